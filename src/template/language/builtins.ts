/** The functions that every template has. `and` and `or` are carried out by the compiler, as they look at no more than they need. */
import { byteAt, byteLength, byteSlice } from './bytes.ts';
import { equal, less, lessOrEqual } from './compare.ts';
import { convert } from './convert.ts';
import { ValueError } from './errors.ts';
import { escapeHtml, escapeJs, escapeQuery } from './escape.ts';
import { sprintf } from './format.ts';
import { type FunctionTable, fn, pureFn, variadic } from './functions.ts';
import { sprint, sprintln } from './print.ts';
import { ANY, BOOL, type GoType, INT, isInt, isUint, STRING, UINT8 } from './types.ts';
import {
  Channel,
  GoFunction,
  integerOf,
  Scalar,
  truth,
  typed,
  typeName,
  typeOf,
  type Value,
  zeroOf,
} from './value.ts';

/** All values as one text, as html, js and urlquery take them. */
const joined = (values: readonly Value[]): string =>
  values.length === 1 && typeof values[0] === 'string'
    ? values[0]
    : sprint(values.map((value) => (value === null || value === undefined ? '<no value>' : value)));

const TABLE: FunctionTable = {
  and: variadic(
    [ANY, ANY],
    ANY,
    (...values: Value[]) => values.find((value) => !truth(value)) ?? values.at(-1),
  ),
  or: variadic([ANY, ANY], ANY, (...values: Value[]) => values.find(truth) ?? values.at(-1)),
  not: fn([ANY], BOOL, (value: Value) => !truth(value)),
  call: variadic([ANY, ANY], ANY, callValue),
  html: variadic([ANY], STRING, (...values: Value[]) => escapeHtml(joined(values))),
  js: variadic([ANY], STRING, (...values: Value[]) => escapeJs(joined(values))),
  urlquery: variadic([ANY], STRING, (...values: Value[]) => escapeQuery(joined(values))),
  index: variadic([ANY, ANY], ANY, index),
  slice: variadic([ANY, ANY], ANY, slice),
  len: fn([ANY], INT, length),
  print: variadic([ANY], STRING, (...values: Value[]) => sprint(values)),
  println: variadic([ANY], STRING, (...values: Value[]) => sprintln(values)),
  printf: variadic([STRING, ANY], STRING, (format: string, ...values: Value[]) => sprintf(format, values)),
  eq: variadic([ANY, ANY], BOOL, (first: Value, ...others: Value[]) => equal(first, others)),
  ne: fn([ANY, ANY], BOOL, (a: Value, b: Value) => !equal(a, [b])),
  lt: fn([ANY, ANY], BOOL, less),
  le: fn([ANY, ANY], BOOL, lessOrEqual),
  gt: fn([ANY, ANY], BOOL, (a: Value, b: Value) => !lessOrEqual(a, b)),
  ge: fn([ANY, ANY], BOOL, (a: Value, b: Value) => !less(a, b)),
};

/** All of them are pure but `call`: what it calls may not be. */
export const BUILTINS: FunctionTable = Object.fromEntries(
  Object.entries(TABLE).map(([name, one]) => [name, name === 'call' ? one : pureFn(one)]),
);

function length(value: Value): bigint {
  if (typeof value === 'string') return BigInt(byteLength(value));
  if (Array.isArray(value) || value instanceof Uint8Array) return BigInt(value.length);
  if (value instanceof Map) return BigInt(value.size);
  // Nothing waits in an unbuffered channel.
  if (value instanceof Channel) return 0n;
  throw new ValueError(value === null ? 'len of untyped nil' : `len of type ${typeName(value)}`);
}

/** A place in something of `size` elements. */
function place(value: Value, size: number): number {
  const at = integerOf(value);
  if (at === undefined)
    throw new ValueError(
      `cannot index slice/array with ${value === null ? 'nil' : `type ${typeName(value)}`}`,
    );
  if (at < 0n || at > BigInt(size)) throw new ValueError(`index out of range: ${at}`);
  return Number(at);
}

function index(item: Value, ...indexes: Value[]): Value {
  if (item === null) throw new ValueError('index of untyped nil');
  let found: Value = item;
  for (const one of indexes) {
    if (found === null || found === undefined) throw new ValueError('index of nil pointer');
    found = element(found, one);
  }
  return found;
}

function element(item: Value, key: Value): Value {
  if (item instanceof Map) return entry(item, key);
  const size =
    typeof item === 'string'
      ? byteLength(item)
      : Array.isArray(item) || item instanceof Uint8Array
        ? item.length
        : undefined;
  if (size === undefined) throw new ValueError(`can't index item of type ${typeName(item)}`);
  const at = place(key, size);
  if (at === size)
    throw new ValueError(`reflect: ${typeof item === 'string' ? 'string' : 'slice'} index out of range`);
  if (typeof item === 'string') return new Scalar(UINT8, BigInt(byteAt(item, at)));
  const found = (item as ArrayLike<Value>)[at];
  return item instanceof Uint8Array ? new Scalar(UINT8, BigInt(found as number)) : found;
}

function entry(map: Map<Value, Value>, key: Value): Value {
  const type = typeOf(map);
  const keyType = type?.key ?? STRING;
  const zero = zeroOf(type?.elem ?? ANY);
  if (keyType.kind === 'interface') return map.get(key) ?? zero;
  if (key === null) throw new ValueError(`value is nil; should be of type ${keyType.name}`);
  const kind = typeOf(key)?.kind;
  const whole = integerOf(key);
  if (whole !== undefined && (isInt(keyType.kind) || isUint(keyType.kind))) return map.get(whole) ?? zero;
  if (kind !== keyType.kind)
    throw new ValueError(`value has type ${typeName(key)}; should be ${keyType.name}`);
  return map.get(key) ?? zero;
}

function slice(item: Value, ...indexes: Value[]): Value {
  if (item === null) throw new ValueError('slice of untyped nil');
  if (indexes.length > 3) throw new ValueError(`too many slice indexes: ${indexes.length}`);
  const isText = typeof item === 'string';
  if (!isText && !Array.isArray(item) && !(item instanceof Uint8Array))
    throw new ValueError(`can't slice item of type ${typeName(item)}`);
  if (isText && indexes.length === 3) throw new ValueError('cannot 3-index slice a string');
  const size = isText ? byteLength(item) : item.length;
  const places = indexes.map((one) => place(one, size));
  const [from = 0, to = size, capacity = size] = places;
  if (from > to) throw new ValueError(`invalid slice index: ${from} > ${to}`);
  if (to > capacity) throw new ValueError(`invalid slice index: ${to} > ${capacity}`);
  if (isText) return byteSlice(item, from, to);
  if (item instanceof Uint8Array) return item.subarray(from, to);
  const type = typeOf(item);
  const part = item.slice(from, to);
  return type === undefined ? part : typed(type, part);
}

function callValue(target: Value, ...args: Value[]): Value {
  if (target === null) throw new ValueError('call of nil');
  if (!(target instanceof GoFunction)) throw new ValueError(`non-function of type ${typeName(target)}`);
  const { params, variadic: open } = target;
  const fixed = open ? params.length - 1 : params.length;
  if (open ? args.length < fixed : args.length !== fixed)
    throw new ValueError(
      `wrong number of args: got ${args.length} want ${open ? `at least ${fixed}` : fixed}`,
    );
  const given = args.map((arg, i) => argument(arg, params[Math.min(i, params.length - 1)] ?? ANY, i));
  return target.call(...given);
}

function argument(value: Value, type: GoType, at: number): Value {
  try {
    return convert(value, type);
  } catch (cause) {
    const what =
      value === null ? 'value is nil; should be of type' : `value has type ${typeName(value)}; should be`;
    throw new ValueError(`arg ${at}: ${what} ${type.name}`, { cause });
  }
}
