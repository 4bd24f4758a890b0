/** What is left of what an agent says once its secrets are taken out. */

/** Names of fields whose values are nobody's business, in whatever case: kept as names, so that it shows they were there. */
const SECRET_NAME =
  /^(?:.*(?:token|secret|passw(?:or)?d|passphrase|credential|authorization|cookie|api_?key|private_?key).*|header|headers|body|encrypt|key_?data)$/i;

const HIDDEN = '…';

/** UUIDs are what secrets of tokens look like; those of nodes and instances too, which is why only texts after a word for them go. */
const IN_TEXT =
  /((?:token|secret|password|passwd|authorization|bearer|api[_-]?key)["']?\s*[:=]?\s*["']?(?:bearer\s+|basic\s+)?)[^\s"',&}]{4,}/gi;

/** `scheme://user:password@host` */
const IN_URL = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi;

/** A copy of JSON without secrets. */
export function scrub(value: unknown): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (Array.isArray(value)) return value.map(scrub);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      SECRET_NAME.test(name) && isTold(inner) ? HIDDEN : scrub(inner),
    ]),
  );
}

/** Numbers, booleans and what is empty tell nothing. */
function isTold(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  return value !== null && typeof value === 'object' && Object.keys(value).length > 0;
}

/** A text without what stands behind words for secrets, and without passwords in URLs. */
export function scrubText(text: string): string {
  return text.replace(IN_URL, `$1${HIDDEN}@`).replace(IN_TEXT, `$1${HIDDEN}`);
}
