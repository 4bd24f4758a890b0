import { encodeName } from '../../lib/dns/name.ts';

/** Values by domain; the longest domain that a name is in counts. The root is in all of them. */
export class Suffixes<T> {
  readonly #values = new Map<string, T>();

  get size(): number {
    return this.#values.size;
  }

  /** False when `domain` cannot be a name. */
  set(domain: string, value: T): boolean {
    const key = suffixOf(domain);
    if (key === undefined) return false;
    this.#values.set(key, value);
    return true;
  }

  get(domain: string): T | undefined {
    const key = suffixOf(domain);
    return key === undefined ? undefined : this.#values.get(key);
  }

  /** `key` is that of a question: name in lower case, then two bytes of type. */
  find(key: string): T | undefined {
    if (this.#values.size === 0) return undefined;
    const end = key.length - 2;
    for (let at = 0; at < end; at += 1 + key.charCodeAt(at)) {
      const value = this.#values.get(key.slice(at, end));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function suffixOf(domain: string): string | undefined {
  return encodeName(domain.toLowerCase())?.toString('latin1');
}
