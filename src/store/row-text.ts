/**
 * Rows as text, for etcd and for the links between nodes: JSON, readable with `etcdctl` and by any version of
 * Node. What JSON has no word for (bytes, whole numbers beyond 2^53) stands in an object with one key of its own.
 */
const BYTES = '\u0000bytes';
const BIGINT = '\u0000int';

/**
 * Before the text of a row that holds such objects: all others are read by `JSON.parse` alone, which is several
 * times faster.
 */
const MARK = '!';

/** Rows never change: each is written as text once. */
const texts = new WeakMap<object, string>();

/** `toText` of a row. */
export function rowText(row: object): string {
  let text = texts.get(row);
  if (text === undefined) {
    text = toText(row);
    texts.set(row, text);
  }
  return text;
}

export function toText(value: unknown): string {
  return isOdd(value) ? MARK + oddText(value) : JSON.stringify(value);
}

/** What `toText` was given. Throws `SyntaxError` for anything else. */
export function fromText<Value>(text: string): Value {
  return text.startsWith(MARK) ? (unmarked(JSON.parse(text.slice(1))) as Value) : (JSON.parse(text) as Value);
}

/** As `fromText` of each. As one array it takes half as long: the parser knows the fields from the row before. */
export function fromTexts<Value>(texts: readonly string[]): Value[] {
  if (texts.some((text) => text.startsWith(MARK))) return texts.map((text) => fromText<Value>(text));
  return JSON.parse(`[${texts.join(',')}]`) as Value[];
}

function isOdd(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint';
  if (value instanceof Uint8Array) return true;
  for (const name in value) if (isOdd((value as Record<string, unknown>)[name])) return true;
  return false;
}

/** What `JSON.stringify` says, but for what it has no word for. Nothing is made but text: keys and values are written all the time. */
function oddText(value: unknown): string {
  if (typeof value === 'bigint') return `{${INT_NAME}:"${value}"}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (value instanceof Uint8Array) {
    const bytes =
      value instanceof Buffer ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return `{${BYTES_NAME}:"${bytes.toString('base64')}"}`;
  }
  if (Array.isArray(value)) return `[${value.map(oddText).join(',')}]`;
  let text = '{';
  for (const name in value) {
    const one = (value as Record<string, unknown>)[name];
    if (one === undefined) continue;
    if (text !== '{') text += ',';
    text += nameText(name) + oddText(one);
  }
  return `${text}}`;
}

/** The names of fields, which are the same in every row, as text; users' names too, so that there has to be an end. */
const nameTexts = new Map<string, string>();
const MOST_NAMES = 1_000;

function nameText(name: string): string {
  let text = nameTexts.get(name);
  if (text === undefined) {
    text = `${JSON.stringify(escaped(name))}:`;
    if (nameTexts.size < MOST_NAMES) nameTexts.set(name, text);
  }
  return text;
}

const INT_NAME = JSON.stringify(BIGINT);
const BYTES_NAME = JSON.stringify(BYTES);

/** A key that could be taken for one of ours gets a second mark. */
function escaped(key: string): string {
  return key.startsWith('\u0000') ? `\u0000${key}` : key;
}

function unmarked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unmarked);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && typeof first[1] === 'string') {
    if (first[0] === BYTES) return new Uint8Array(Buffer.from(first[1], 'base64'));
    if (first[0] === BIGINT) return BigInt(first[1]);
  }
  return Object.fromEntries(
    entries.map(([key, one]) => [key.startsWith('\u0000') ? key.slice(1) : key, unmarked(one)]),
  );
}
