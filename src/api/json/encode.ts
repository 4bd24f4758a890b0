/**
 * JSON as Go's encoder writes it: `<`, `>`, `&` and the two line separators are escaped, so that an answer is
 * safe inside a page. `pretty` indents by four spaces and ends with a line feed. A `bigint` is written as a number.
 */
export function encodeJson(value: unknown, pretty = false): string {
  const plain = hasBigInt(value)
    ? write(value, pretty ? '\n' : '')
    : (JSON.stringify(value, undefined, pretty ? 4 : 0) ?? 'null');
  const escaped = plain.replace(/[<>&\u2028\u2029]/g, (char) => ESCAPES[char] as string);
  return pretty ? `${escaped}\n` : escaped;
}

const ESCAPES: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

function hasBigInt(value: unknown): boolean {
  if (typeof value === 'bigint') return true;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasBigInt);
  // Values are plain, and may be many: a list of their members each would be garbage.
  for (const name in value) if (hasBigInt((value as Record<string, unknown>)[name])) return true;
  return false;
}

/** What `JSON.stringify` does, for plain values with bigints among them. `line`: "" or a line feed and the indent. */
function write(value: unknown, line: string): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = line === '' ? '' : `${line}    `;
  const parts = Array.isArray(value)
    ? value.map((element) => write(element, inner))
    : Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => `${JSON.stringify(name)}:${line === '' ? '' : ' '}${write(member, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return parts.length === 0 ? `${open}${close}` : `${open}${inner}${parts.join(`,${inner}`)}${line}${close}`;
}
