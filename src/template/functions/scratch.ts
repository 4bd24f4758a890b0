/** `scratch`: values that a rendering keeps for itself. */
import { compareUtf8 } from '../../lib/order.ts';
import {
  ANY,
  BOOL,
  fn,
  type GoType,
  LIST,
  type Method,
  quote,
  STRING,
  structType,
  type Value,
  ValueError,
} from '../language/index.ts';
import { bound, type Group } from './entry.ts';

const KEPT = new WeakMap<object, Map<string, Value>>();
const kept = (self: object): Map<string, Value> => KEPT.get(self) as Map<string, Value>;

function method(
  params: readonly GoType[],
  result: GoType,
  call: (values: Map<string, Value>, ...args: never[]) => Value,
): Method {
  return {
    params,
    variadic: false,
    result,
    call: (self, args) => call(kept(self), ...(args as never[])),
  };
}

function mapOf(values: Map<string, Value>, name: string): Map<Value, Value> {
  const map = values.get(name) ?? new Map<Value, Value>();
  if (!(map instanceof Map)) throw new ValueError(`${quote(name)} is not a map`);
  values.set(name, map);
  return map;
}

function mapValues(values: Map<string, Value>, name: string): Value {
  const map = values.get(name);
  if (!(map instanceof Map)) return [];
  return [...map].sort(([a], [b]) => compareUtf8(String(a), String(b))).map(([, value]) => value);
}

const Scratch = structType(
  'template.Scratch',
  {},
  {
    Key: method([STRING], BOOL, (values, key: string) => values.has(key)),
    Get: method([STRING], ANY, (values, key: string) => values.get(key) ?? null),
    Set: method([STRING, ANY], STRING, (values, key: string, value: Value) => {
      values.set(key, value);
      return '';
    }),
    SetX: method([STRING, ANY], STRING, (values, key: string, value: Value) => {
      if (!values.has(key)) values.set(key, value);
      return '';
    }),
    MapSet: method([STRING, STRING, ANY], STRING, (values, name: string, key: string, value: Value) => {
      mapOf(values, name).set(key, value);
      return '';
    }),
    MapSetX: method([STRING, STRING, ANY], STRING, (values, name: string, key: string, value: Value) => {
      const map = mapOf(values, name);
      if (!map.has(key)) map.set(key, value);
      return '';
    }),
    MapValues: method([STRING], LIST, mapValues),
  },
);

export const SCRATCH_FUNCTIONS: Group = {
  scratch: bound(
    ({ scratch }) => {
      const value = new Scratch({});
      KEPT.set(value, scratch);
      return fn([], Scratch.type, () => value);
    },
    'Values that a rendering keeps for itself: `.Set`, `.SetX` (the first one stays), `.Get`, `.Key` (is it there?), `.MapSet`, `.MapSetX`, `.MapValues`.',
    '{{ scratch.Set "n" 1 }}{{ scratch.Get "n" }}',
  ),
};
