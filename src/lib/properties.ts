/**
 * Files of "key = value" lines as Java's Properties and fabio read them: `=`, `:` or white space behind the key, comments with # or !,
 * a backslash at the end of a line joins the next one, \n \t \uXXXX and any escaped character, `${key}` for another value
 * or an environment variable.
 */

export interface Property {
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

export interface ReadProperties {
  /** The last line of a key counts. */
  readonly properties: ReadonlyMap<string, Property>;
  /** Values that cannot be made: a circle of `${key}`. */
  readonly problems: readonly { readonly line: number; readonly reason: string }[];
}

/** How deep `${key}` may lead: deeper is a circle. */
const DEPTH = 64;

export function parseProperties(
  text: string,
  env: Readonly<Record<string, string | undefined>> = {},
): ReadProperties {
  const raw = new Map<string, Property>();
  const problems: { line: number; reason: string }[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  for (let at = 0; at < lines.length; at++) {
    const first = at + 1;
    let line = (lines[at] as string).trimStart();
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    while (/(?:^|[^\\])(?:\\\\)*\\$/.test(line) && at + 1 < lines.length)
      line = line.slice(0, -1) + (lines[++at] as string).trimStart();
    const [, key = '', value = ''] = /^((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)$/s.exec(line) ?? [];
    raw.set(unescaped(key), { value: unescaped(value).replace(/\s+$/, ''), line: first });
  }
  const properties = new Map<string, Property>();
  for (const [key, { value, line }] of raw) {
    const expanded = expand(value, raw, env, DEPTH);
    if (expanded === undefined) problems.push({ line, reason: `"${key}" refers to itself` });
    else properties.set(key, { value: expanded, line });
  }
  return { properties, problems };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function unescaped(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g,
    (_, hex: string | undefined, char: string | undefined) =>
      hex === undefined ? (ESCAPES[char ?? ''] ?? char ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function expand(
  text: string,
  all: ReadonlyMap<string, Property>,
  env: Readonly<Record<string, string | undefined>>,
  depth: number,
): string | undefined {
  if (depth === 0) return undefined;
  let isCircle = false;
  const expanded = text.replace(/\$\{([^}]*)\}/g, (_, key: string) => {
    const value = all.get(key)?.value ?? env[key] ?? '';
    const inner = expand(value, all, env, depth - 1);
    isCircle ||= inner === undefined;
    return inner ?? '';
  });
  return isCircle ? undefined : expanded;
}
