/** The parameters behind the `?`, read as Go's `url.ParseQuery` does: repeated names keep all their values. */
export class Query {
  readonly #values = new Map<string, string[]>();

  /** Throws `URIError` when an escape cannot be read. */
  constructor(search: string) {
    for (const part of search.split('&')) {
      if (part === '') continue;
      const at = part.indexOf('=');
      const name = decodePart(at < 0 ? part : part.slice(0, at));
      const value = at < 0 ? '' : decodePart(part.slice(at + 1));
      const known = this.#values.get(name);
      if (known === undefined) this.#values.set(name, [value]);
      else known.push(value);
    }
  }

  /** The first value, or "" when there is none. */
  get(name: string): string {
    return this.#values.get(name)?.[0] ?? '';
  }

  /** True also for a name without a value (`?raw`). */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** All parameters but `without` as Go's `Values.Encode` writes them: in the order of their names. */
  encode(without?: ReadonlySet<string>): string {
    const names = [...this.#values.keys()].filter((name) => !without?.has(name)).sort();
    return names
      .flatMap((name) => this.all(name).map((value) => `${encodePart(name)}=${encodePart(value)}`))
      .join('&');
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

function decodePart(text: string): string {
  return percentDecode(text.replaceAll('+', ' '));
}

function encodePart(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Percent-decoding that keeps bytes which are no UTF-8 readable (as U+FFFD). Throws `URIError` as Go refuses. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  if (/%(?![0-9a-fA-F]{2})/.test(text)) throw new URIError('invalid URL escape');
  try {
    return decodeURIComponent(text);
  } catch {
    const raw = Buffer.from(text).toString('latin1');
    const bytes = raw.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return Buffer.from(bytes, 'latin1').toString();
  }
}
