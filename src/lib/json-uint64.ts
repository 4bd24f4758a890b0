/** JSON with a member that holds numbers of 64 bits: `JSON` itself would round those above 2^53. */

/** In front of digits that `JSON` takes for a text, as it writes it: what is a text to others too, such as metadata of that name, stays one. */
const MARK = '\\u0000';

/** Reads them exactly: as bigints, where a number does not do. Throws as `JSON.parse`. */
export function parseUint64(text: string, member: string): unknown {
  // Within a string the quote has a backslash in front.
  const long = new RegExp(`([{,\\s]"${member}"\\s*:\\s*)(\\d{16,})(?=[\\s,}])`, 'g');
  const quoted = text.replace(long, `$1"${MARK}$2"`);
  if (quoted === text) return JSON.parse(text);
  return JSON.parse(quoted, (name, value: unknown) =>
    name === member && typeof value === 'string' && value.startsWith('\0') ? exact(value.slice(1)) : value,
  );
}

/** Writes what `parseUint64` reads. */
export function formatUint64(value: unknown, member: string, indent: string | number): string {
  const text = JSON.stringify(
    value,
    (_, part: unknown) => (typeof part === 'bigint' ? `\0${part}` : part),
    indent,
  );
  return text.replace(new RegExp(`([{,\\s]"${member}"\\s*:\\s*)"\\${MARK}(\\d+)"`, 'g'), '$1$2');
}

function exact(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
