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
  sortedEntries,
  toBytes,
  typed,
  typeName,
  typeOf,
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

/** Aliases may name each other over and over: a bound on what they can grow to. */
const MAX_ALIASES = 1000;

export function decodeYaml(text: string): Value {
  const document = parseDocument(text, {
    version: '1.1',
    intAsBigInt: true,
    merge: true,
    uniqueKeys: false,
    logLevel: 'silent',
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || !isTime(tag)),
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
    return typed(ANY_MAP, new Map([...value].map(([key, one]) => [goValue(key), goValue(one)])));
  if (value instanceof Set) return typed(ANY_MAP, new Map([...value].map((key) => [goValue(key), null])));
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Uint8Array) return fromBytes(value);
  return value;
}

export function encodeYaml(value: Value): string {
  const document = new Document(null, { version: '1.1', customTags: (tags) => [VERBATIM, ...tags] });
  document.contents = nodeOf(value, 0) as typeof document.contents;
  return document
    .toString({
      indentSeq: false,
      lineWidth: 0,
      minContentWidth: 0,
      nullStr: 'null',
      flowCollectionPadding: false,
    })
    .trim();
}

const MAX_DEPTH = 200;

function nodeOf(value: Value, depth: number): Node {
  if (depth > MAX_DEPTH) throw new ValueError('yaml: nested too deeply');
  if (value === null || value === undefined) return new YamlScalar(null);
  if (typeof value === 'boolean') return new YamlScalar(value);
  if (typeof value === 'string') return textNode(value);
  if (value instanceof Uint8Array) return listNode(Array.from(value, BigInt), depth);
  const whole = integerOf(value);
  if (whole !== undefined) return new YamlScalar(whole);
  const fraction = floatOf(value);
  if (fraction !== undefined) return new YamlScalar(new Verbatim(floatText(fraction)));
  if (Array.isArray(value)) return listNode(value, depth);
  const entries: [Value, Value][] | undefined =
    value instanceof Map
      ? naturally(sortedEntries(value))
      : isStruct(value)
        ? [...(typeOf(value)?.elem?.fields?.keys() ?? [])].map((name) => [name.toLowerCase(), value[name]])
        : undefined;
  if (entries === undefined) throw new ValueError(`yaml: cannot marshal type: ${typeName(value)}`);
  const map = new YAMLMap();
  if (entries.length === 0) map.flow = true;
  for (const [key, one] of entries) map.items.push(new Pair(nodeOf(key, depth + 1), nodeOf(one, depth + 1)));
  return map;
}

function listNode(values: readonly Value[], depth: number): Node {
  const list = new YAMLSeq();
  if (values.length === 0) list.flow = true;
  for (const one of values) list.items.push(nodeOf(one, depth + 1));
  return list;
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
  /^(?:y|n|yes|no|on|off|true|false|null|~|\.nan|[-+]?\.inf)$|^[-+]?(?:0b[01_]+|0x[0-9a-f_]+|0o?[0-7_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9_]+(?:e[-+]?[0-9]+)?)$|^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt \t])/i;

function textNode(text: string): Node {
  if (text.length > 0 && Buffer.from(toBytes(text)).toString('utf8') !== text) {
    const node = new YamlScalar(Buffer.from(toBytes(text)).toString('base64'));
    node.tag = '!!binary';
    return node;
  }
  const node = new YamlScalar(text);
  if (AMBIGUOUS.test(text) || text === '' || text.includes('\t')) node.type = 'QUOTE_DOUBLE';
  else if (text.includes('\n') && !/^\s|[^\n]\s+\n/.test(text)) node.type = 'BLOCK_LITERAL';
  else if (/^\s|\s$|^[-?:](?:\s|$)|^[,[\]{}#&*!|>'"%@`]|: |:$| #/.test(text) && !/\p{Cc}/u.test(text))
    node.type = 'QUOTE_SINGLE';
  return node;
}

/** Keys as Go's library sorts them: numbers inside a text by their value. */
function naturally(entries: [Value, Value][]): [Value, Value][] {
  return entries.sort(([a], [b]) =>
    typeof a === 'string' && typeof b === 'string' ? compareNaturally(a, b) : 0,
  );
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
