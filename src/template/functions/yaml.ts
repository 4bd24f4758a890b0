/** YAML, read and written; the layout is that of the library which consul-template uses (lists not indented, keys in order). */
import {
  Document,
  type Node,
  Pair,
  parseDocument,
  type ScalarTag,
  YAMLMap,
  YAMLSeq,
  Scalar as YamlScalar,
} from 'yaml';
import {
  ANY,
  floatOf,
  fromBytes,
  integerOf,
  isStruct,
  mapOf,
  printed,
  Scalar,
  sortedEntries,
  toBytes,
  typed,
  typeName,
  typeOf,
  UINT64,
  type Value,
  ValueError,
} from '../language/index.ts';

/** What Go's library makes of a mapping. */
const ANY_MAP = mapOf(ANY, ANY);

/** Times and numbers with colons, which Go's library takes for text. */
function isTime(tag: object): boolean {
  const { tag: name = '', format } = tag as { tag?: string; format?: string };
  return name.endsWith(':timestamp') || format === 'TIME';
}

/** Octal numbers as YAML 1.2 has them, which Go's library reads too. */
const OCTAL: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0o[0-7]+$/,
  resolve: (text) => (text.startsWith('-') ? -1n : 1n) * BigInt(text.replace(/^[-+]/, '')),
};

/** Aliases may name each other over and over: a bound on what they can grow to. */
const MAX_ALIASES = 1000;

export function decodeYaml(text: string): Value {
  const document = parseDocument(text, {
    version: '1.1',
    intAsBigInt: true,
    merge: true,
    uniqueKeys: false,
    logLevel: 'silent',
    customTags: (tags) => [OCTAL, ...tags.filter((tag) => typeof tag === 'string' || !isTime(tag))],
  });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = problem.linePos?.[0].line;
    const said = problem.message.split(' at line')[0] ?? problem.message;
    throw new ValueError(`yaml: ${line === undefined ? '' : `line ${line}: `}${said}`);
  }
  try {
    return goValue(document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES }));
  } catch (cause) {
    throw new ValueError(`yaml: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function goValue(value: unknown): Value {
  if (Array.isArray(value)) return value.map(goValue);
  if (value instanceof Map)
    return typed(ANY_MAP, new Map([...value].map(([key, one]) => [keyValue(key), goValue(one)])));
  if (value instanceof Set) return typed(ANY_MAP, new Map([...value].map((key) => [goValue(key), null])));
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Uint8Array) return fromBytes(value);
  return typeof value === 'bigint' ? numberOf(value) : value;
}

function keyValue(key: unknown): Value {
  if (Array.isArray(key) || key instanceof Map)
    throw new ValueError(`invalid map key: ${printed(goValue(key), 'sharp')}`);
  return goValue(key);
}

/** A whole number in the narrowest of Go's types that holds it: int, uint64, and a fraction beyond. */
function numberOf(whole: bigint): Value {
  if (BigInt.asIntN(64, whole) === whole) return whole;
  return BigInt.asUintN(64, whole) === whole ? new Scalar(UINT64, whole) : Number(whole);
}

export function encodeYaml(value: Value): string {
  return written(nodeOf(value, { depth: 0, map: 0, list: 0, column: 0 })).trim();
}

function written(node: Node): string {
  const document = new Document(null, { version: '1.1', customTags: (tags) => [VERBATIM, ...tags] });
  document.contents = node as typeof document.contents;
  return document.toString({
    indentSeq: false,
    lineWidth: 0,
    minContentWidth: 0,
    nullStr: 'null',
    flowCollectionPadding: false,
  });
}

/** Where a value is written: the columns at which a map, a list and a text begin there. */
interface Place {
  readonly depth: number;
  readonly map: number;
  readonly list: number;
  readonly column: number;
}

const MAX_DEPTH = 200;

function nodeOf(value: Value, place: Place): Node {
  const { depth } = place;
  if (depth > MAX_DEPTH) throw new ValueError('yaml: nested too deeply');
  if (value === null || value === undefined) return new YamlScalar(null);
  if (typeof value === 'boolean') return new YamlScalar(value);
  if (typeof value === 'string') return foldedNode(value, place);
  if (value instanceof Uint8Array) return listNode(Array.from(value, BigInt), place);
  const whole = integerOf(value);
  if (whole !== undefined) return new YamlScalar(whole);
  const fraction = floatOf(value);
  if (fraction !== undefined) return new YamlScalar(new Verbatim(floatText(fraction)));
  if (Array.isArray(value)) return listNode(value, place);
  const entries: [Value, Value][] | undefined =
    value instanceof Map
      ? naturally(sortedEntries(value))
      : isStruct(value)
        ? [...(typeOf(value)?.elem?.fields?.keys() ?? [])].map((name) => [name.toLowerCase(), value[name]])
        : undefined;
  if (entries === undefined) throw new ValueError(`yaml: cannot marshal type: ${typeName(value)}`);
  const map = new YAMLMap();
  if (entries.length === 0) map.flow = true;
  for (const [key, one] of entries) map.items.push(pairNode(key, one, place));
  return map;
}

function pairNode(key: Value, value: Value, { depth, map }: Place): Pair {
  const inside = { depth: depth + 1, map: map + 2, list: map, column: map };
  const name = typeof key === 'string' ? textNode(key) : nodeOf(key, inside);
  // Only texts that may reach the end of a line need to know where they begin.
  const most = map + MOST_FOR_ONE * (typeof key === 'string' ? key.length : 1) + 4;
  const width = mayFold(value, most) ? written(name).trim().length : 0;
  return new Pair(name, nodeOf(value, { ...inside, column: map + width + 2 }));
}

function listNode(values: readonly Value[], { depth, list: at }: Place): Node {
  const list = new YAMLSeq();
  if (values.length === 0) list.flow = true;
  const inside = { depth: depth + 1, map: at + 2, list: at + 2, column: at + 2 };
  for (const one of values) list.items.push(nodeOf(one, inside));
  return list;
}

/** A line that is longer is broken at the next space, as Go's library does. */
const WIDTH = 80;

/** Characters that one of a text's becomes at most: half of "\\U0001F680". */
const MOST_FOR_ONE = 5;

const mayFold = (value: Value, column: number): value is string =>
  typeof value === 'string' && value.includes(' ') && column + MOST_FOR_ONE * value.length + 2 > WIDTH;

function foldedNode(text: string, { depth, map, column }: Place): Node {
  // At the top there is nothing to stand below.
  const indent = depth === 0 ? 2 : map;
  if (isLiteral(text)) return new YamlScalar(new Verbatim(literal(text, indent)));
  const node = textNode(text);
  if (!mayFold(text, column) || node.tag !== undefined) return node;
  const plain = written(node).trim();
  const folded = fold(plain, column, indent);
  return folded === plain ? node : new YamlScalar(new Verbatim(folded));
}

/** Several lines stand as they are, unless a space at the end of one, or what cannot be seen, would be lost on readers. */
const isLiteral = (text: string): boolean =>
  text.includes('\n') && !/ \n| $/.test(text) && !SPECIAL.test(text.replaceAll('\n', ''));

function literal(text: string, indent: number): string {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const end = !text.endsWith('\n') ? '-' : /^\n$|\n\n$/.test(text) ? '+' : '';
  return `|${hint}${end}\n${text.replace(/\n$/, '').replace(/^(?=[^\n])/gm, ' '.repeat(indent))}`;
}

/** `indent` is where the lines behind the first begin. */
function fold(text: string, column: number, indent: number): string {
  const quote = /^["']/.exec(text)?.[0] ?? '';
  const [first, last] = [quote.length, text.length - quote.length - 1];
  let out = '';
  let at = column;
  let isBehindSpace = false;
  for (let i = 0; i < text.length; i++) {
    const isSpace = text[i] === ' ';
    const isNextSpace = text[i + 1] === ' ';
    const mayBreak = quote === '' ? !isNextSpace : i > first && i < last && (quote === '"' || !isNextSpace);
    if (isSpace && !isBehindSpace && at > WIDTH && mayBreak) {
      const escaped = quote === '"' && isNextSpace ? '\\' : '';
      out += `\n${' '.repeat(indent)}${escaped}`;
      at = indent + escaped.length;
    } else {
      out += text[i];
      at++;
    }
    isBehindSpace = isSpace;
  }
  return out;
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  return printed(value);
}

/** A number that is written as it stands here. */
class Verbatim {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const VERBATIM: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: (value) => value instanceof Verbatim,
  resolve: (text) => text,
  stringify: ({ value }) => (value instanceof Verbatim ? value.text : String(value)),
};

/** What YAML 1.1 would read as something else than text. */
const AMBIGUOUS =
  /^(?:y|n|yes|no|on|off|true|false|null|~|\.nan|[-+]?\.inf)$|^[-+]?(?:0b[01_]+|0x[0-9a-f_]+|0o?[0-7_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9_]+(?:e[-+]?[0-9]+)?)$|^\d{4}-\d{1,2}-\d{1,2}(?:T\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?$/i;

function textNode(text: string): YamlScalar {
  if (text.length > 0 && Buffer.from(toBytes(text)).toString('utf8') !== text) {
    const node = new YamlScalar(Buffer.from(toBytes(text)).toString('base64'));
    node.tag = '!!binary';
    return node;
  }
  if (AMBIGUOUS.test(text) || text === '' || SPECIAL.test(text))
    return new YamlScalar(new Verbatim(doubleQuoted(text)));
  const node = new YamlScalar(text);
  if (/^\s|\s$|^---|^\.\.\.|^[-?:](?:\s|$)|^[,[\]{}#&*!|>'"%@`]|: |:$| #/.test(text))
    node.type = 'QUOTE_SINGLE';
  return node;
}

/** What Go's library does not print as it is: controls, the byte order mark, and all beyond 16 bits. */
const SPECIAL = /[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;
const EACH_SPECIAL = new RegExp(`${SPECIAL.source}|["\\\\]`, 'gu');

const ESCAPES: Readonly<Record<string, string>> = {
  '\0': '0',
  '\x07': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\x1b': 'e',
  '\x85': 'N',
  '\u2028': 'L',
  '\u2029': 'P',
  '"': '"',
  '\\': '\\',
};

function doubleQuoted(text: string): string {
  const inside = text.replace(EACH_SPECIAL, (char) => {
    const short = ESCAPES[char];
    if (short !== undefined) return `\\${short}`;
    const code = char.codePointAt(0) as number;
    const [letter, width] = code <= 0xff ? ['x', 2] : code <= 0xffff ? ['u', 4] : ['U', 8];
    return `\\${letter}${code.toString(16).toUpperCase().padStart(Number(width), '0')}`;
  });
  return `"${inside}"`;
}

/** Keys as Go's library sorts them: numbers inside a text by their value. */
function naturally(entries: [Value, Value][]): [Value, Value][] {
  return entries.sort(([a], [b]) => {
    if (typeof a === 'string' && typeof b === 'string') return compareNaturally(a, b);
    const [x, y] = [measureOf(a), measureOf(b)];
    return x === undefined || y === undefined ? rankOf(a) - rankOf(b) : x - y;
  });
}

/** Truths and numbers are in front, by their value; nil stands between them and texts. */
const rankOf = (key: Value): number => (typeof key === 'string' ? 2 : measureOf(key) === undefined ? 1 : 0);

function measureOf(key: Value): number | undefined {
  if (typeof key === 'boolean') return Number(key);
  const whole = integerOf(key);
  return whole === undefined ? floatOf(key) : Number(whole);
}

function compareNaturally(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  let digits = false;
  for (let i = 0; i < x.length && i < y.length; i++) {
    const [p, q] = [x[i] as string, y[i] as string];
    if (p === q) {
      digits = /\p{Nd}/u.test(p);
      continue;
    }
    const [isLetter, otherIsLetter] = [/\p{L}/u.test(p), /\p{L}/u.test(q)];
    if (isLetter && otherIsLetter) return p < q ? -1 : 1;
    if (isLetter || otherIsLetter) return digits ? (isLetter ? -1 : 1) : isLetter ? 1 : -1;
    const [m, n] = [/^\d+/.exec(x.slice(i).join(''))?.[0] ?? '', /^\d+/.exec(y.slice(i).join(''))?.[0] ?? ''];
    if (m !== '' && n !== '' && BigInt(m) !== BigInt(n)) return BigInt(m) < BigInt(n) ? -1 : 1;
    if (m.length !== n.length) return m.length - n.length;
    return p < q ? -1 : 1;
  }
  return x.length - y.length;
}
