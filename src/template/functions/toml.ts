/** TOML in the layout of the library that consul-template writes it with: tables behind plain keys, two spaces a level. */
import { parse } from 'smol-toml';
import { messageOf } from '../../errors.ts';
import {
  floatOf,
  formatFloat,
  integerOf,
  isStruct,
  sortedEntries,
  typeName,
  typeOf,
  type Value,
  ValueError,
} from '../language/index.ts';
import { keyText } from './json.ts';

/** Keys and values of a table, if the value is one. */
function entriesOf(value: Value): [string, Value][] | undefined {
  if (value instanceof Map) return sortedEntries(value).map(([key, one]) => [keyText(key), one]);
  if (!isStruct(value)) return undefined;
  return [...(typeOf(value)?.elem?.fields?.keys() ?? [])].map((name) => [name, value[name]]);
}

const isTable = (value: Value): boolean =>
  value instanceof Map || (isStruct(value) && floatOf(value) === undefined && integerOf(value) === undefined);
const isTables = (value: Value): value is Value[] =>
  Array.isArray(value) && value.length > 0 && value.every(isTable);

function keyOf(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoted(key);
}

const SHORT: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

function quoted(text: string): string {
  return `"${text.replace(/[\p{Cc}"\\]/gu, (char) => {
    const code = char.charCodeAt(0);
    return SHORT[char] ?? (code > 0x7f ? char : `\\u${code.toString(16).padStart(4, '0')}`);
  })}"`;
}

function fraction(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? '+inf' : '-inf';
  const plain = formatFloat(value, 'f', -1);
  return plain.includes('.') ? plain : `${plain}.0`;
}

function scalar(value: Value): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return String(value);
  const whole = integerOf(value);
  if (whole !== undefined) return whole.toString();
  const number = floatOf(value);
  if (number !== undefined) return fraction(number);
  if (Array.isArray(value)) return `[${value.map(scalar).join(', ')}]`;
  const entries = entriesOf(value);
  if (entries !== undefined)
    return `{${entries
      .filter(([, one]) => one !== null && one !== undefined)
      .map(([key, one]) => `${keyOf(key)} = ${scalar(one)}`)
      .join(', ')}}`;
  if (value === null || value === undefined)
    throw new ValueError('toml: cannot encode array with nil element');
  throw new ValueError(`toml: unsupported type: ${typeName(value)}`);
}

export function encodeToml(value: Value): string {
  const entries = entriesOf(value);
  if (entries === undefined) throw new ValueError('toml: top-level values must be Go maps or structs');
  const lines: string[] = [];
  table([], entries, lines);
  return lines.join('\n').trim();
}

function table(path: readonly string[], entries: readonly [string, Value][], lines: string[]): void {
  const indent = '  '.repeat(path.length);
  const some = entries.filter(([, value]) => value !== null && value !== undefined);
  for (const [key, value] of some)
    if (!isTable(value) && !isTables(value)) lines.push(`${indent}${keyOf(key)} = ${scalar(value)}`);
  for (const [key, value] of some) {
    const inner = [...path, key];
    const name = inner.map(keyOf).join('.');
    for (const one of isTables(value) ? value : isTable(value) ? [value] : []) {
      if (path.length === 0 || isTables(value)) lines.push('');
      lines.push(`${indent}${isTables(value) ? `[[${name}]]` : `[${name}]`}`);
      table(inner, entriesOf(one) ?? [], lines);
    }
  }
}

/** For functions that read TOML. Dates are text. */
export function decodeToml(text: string): Value {
  try {
    return goValue(parse(text, { integersAsBigInt: true }));
  } catch (cause) {
    throw new ValueError(`toml: ${messageOf(cause)}`, { cause });
  }
}

function goValue(value: unknown): Value {
  if (Array.isArray(value)) return value.map(goValue);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([key, one]) => [key, goValue(one)]));
  return value;
}
