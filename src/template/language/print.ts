/** Values as Go's fmt prints them without a format: `%v`, Print, Println; and their order in maps. */
import { compareUtf8 } from '../../lib/order.ts';
import { fromBytes } from './bytes.ts';
import { formatFloat } from './floats.ts';
import { quote } from './quote.ts';
import { canBeNil, isUint } from './types.ts';
import { floatOf, integerOf, isStruct, Scalar, TYPE, type Typed, typeOf, type Value } from './value.ts';

/** Values inside one another that are printed; a value that contains itself ends here. */
const MAX_DEPTH = 100;

/** `plus` is `%+v` (names of fields), `sharp` is `%#v` (Go's own notation). */
export type Style = 'plain' | 'plus' | 'sharp';

/** `%v`. What is not there prints as nil does; the template's "<no value>" is its own business. */
export function printed(value: Value, style: Style = 'plain'): string {
  return print(value, style, 0);
}

/** As a template writes it: what a pointer points to. */
export function shown(value: Value): string {
  const text = printed(value);
  return isStruct(value) ? text.replace(/^&/, '') : text;
}

function print(value: Value, style: Style, depth: number): string {
  switch (typeof value) {
    case 'string':
      return style === 'sharp' ? quote(value) : value;
    case 'bigint':
      return value.toString();
    case 'number':
      return formatFloat(value, 'g', -1);
    case 'boolean':
      return String(value);
    case 'undefined':
      return '<nil>';
    default:
      return value === null ? '<nil>' : printObject(value as object, style, depth);
  }
}

function printObject(value: object, style: Style, depth: number): string {
  if (depth > MAX_DEPTH) return '...';
  if (value instanceof Scalar) return printScalar(value, style);
  const inner = (one: Value): string => print(one, style, depth + 1);
  const name = typeOf(value)?.name ?? '';
  if (Array.isArray(value) || value instanceof Uint8Array) {
    const parts = Array.from(value as ArrayLike<Value>, (one) =>
      typeof one === 'number' && value instanceof Uint8Array
        ? byte(one, style)
        : (nilIn(one, typeOf(value)?.elem, style) ?? inner(one)),
    );
    return style === 'sharp' ? `${name}{${parts.join(', ')}}` : `[${parts.join(' ')}]`;
  }
  if (value instanceof Map) {
    const { key: keyType, elem } = typeOf(value) ?? {};
    const parts = sortedEntries(value).map(
      ([key, one]) => `${nilIn(key, keyType, style) ?? inner(key)}:${nilIn(one, elem, style) ?? inner(one)}`,
    );
    return style === 'sharp' ? `${name}{${parts.join(', ')}}` : `map[${parts.join(' ')}]`;
  }
  if (isStruct(value)) return printStruct(value, style, depth);
  return name.startsWith('<-chan') || name.startsWith('func') ? '0xc000012345' : String(value);
}

const byte = (code: number, style: Style): string =>
  style === 'sharp' ? `0x${code.toString(16)}` : String(code);

/** In Go's own notation nil says of what type it is. */
function nilIn(value: Value, elem: { name: string } | undefined, style: Style): string | undefined {
  return style === 'sharp' && (value === null || value === undefined)
    ? `${elem?.name ?? 'interface {}'}(nil)`
    : undefined;
}

function printScalar(scalar: Scalar, style: Style): string {
  const { value } = scalar;
  if (typeof value === 'bigint')
    return style === 'sharp' && isUint(scalar[TYPE].kind) ? `0x${value.toString(16)}` : value.toString();
  if (typeof value === 'number') return formatFloat(value, 'g', -1);
  const imaginary = formatFloat(value.imaginary, 'g', -1);
  return `(${formatFloat(value.real, 'g', -1)}${/^[+-]/.test(imaginary) ? '' : '+'}${imaginary}i)`;
}

function printStruct(value: Record<string, Value> & Typed, style: Style, depth: number): string {
  const struct = value[TYPE].elem;
  const said = style === 'sharp' ? undefined : value[TYPE].methods?.get('String');
  if (said !== undefined) return String(said.call(value, []));
  // A pointer inside something is an address in Go, of no use to anybody: the same one each time.
  const isValue = value[TYPE].isValue === true;
  if (depth > 0 && !isValue)
    return style === 'sharp' ? `(${value[TYPE].name})(0xc000012345)` : '0xc000012345';
  const fields = [...(struct?.fields ?? [])].map(([field, type]) => {
    const one = value[field];
    const text = nilIn(one, canBeNil(type) ? type : undefined, style) ?? print(one, style, depth + 1);
    return style === 'plain' ? text : `${field}:${text}`;
  });
  const mark = isValue ? '' : '&';
  return style === 'sharp' ? `${mark}${struct?.name}{${fields.join(', ')}}` : `${mark}{${fields.join(' ')}}`;
}

/** Entries in the order in which Go prints and ranges over them: by key. */
export function sortedEntries(map: ReadonlyMap<Value, Value>): [Value, Value][] {
  return [...map].sort(([a], [b]) => compareKeys(a, b));
}

/** Keys of several types, as YAML has them: nil first, then by the names of the types. */
const RANK: Readonly<Record<string, number>> = { undefined: 0, boolean: 1, number: 2, bigint: 3, string: 5 };

const rankOf = (key: Value): number => (key === null ? 0 : (RANK[typeof key] ?? 4));

function compareKeys(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (rankOf(a) !== rankOf(b)) return rankOf(a) - rankOf(b);
  const [x, y] = [integerOf(a) ?? floatOf(a), integerOf(b) ?? floatOf(b)];
  return x === undefined || y === undefined || x === y ? 0 : x < y ? -1 : 1;
}

/** Print: spaces between neighbours of which neither is a string. */
export function sprint(values: readonly Value[]): string {
  let out = '';
  for (const [i, value] of values.entries()) {
    if (i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string') out += ' ';
    out += printed(value);
  }
  return out;
}

/** Println: spaces between all, a line break behind. */
export function sprintln(values: readonly Value[]): string {
  return `${values.map((value) => printed(value)).join(' ')}\n`;
}

/** A value as text that a function takes for one: strings as they are, bytes decoded. */
export function textOf(value: Value): string {
  return value instanceof Uint8Array ? fromBytes(value) : printed(value);
}
