/** sprig's lists and maps. */
import { compareUtf8 } from '../../../lib/order.ts';
import {
  ANY,
  BOOL,
  fn,
  INT,
  LIST,
  MAP,
  STRING,
  STRINGS,
  typed,
  typeName,
  typeOf,
  type Value,
  ValueError,
  variadic,
} from '../../language/index.ts';
import { type Entry, type Group, own, pure } from '../entry.ts';
import { mergeInto } from '../lists.ts';
import { deepEqual } from './reflect.ts';
import { isEmpty, textOf, wholeOf } from './shared.ts';

type Table = Map<Value, Value>;

/** The elements of a list, of whatever type it is. */
function elements(name: string, list: Value): Value[] {
  if (Array.isArray(list)) return list;
  if (list instanceof Uint8Array) return Array.from(list, BigInt);
  throw new ValueError(
    `Cannot ${name} type ${list === null ? 'invalid' : (typeOf(list)?.kind ?? 'invalid')}`,
  );
}

const byKey = (map: Table): [Value, Value][] =>
  [...map].sort(([a], [b]) => compareUtf8(String(a), String(b)));

function uniq(list: Value[]): Value[] {
  const kept: Value[] = [];
  for (const one of list) if (!kept.some((other) => deepEqual(one, other))) kept.push(one);
  return kept;
}

function slice(list: Value, ...places: Value[]): Value {
  const all = elements('slice', list);
  if (all.length === 0) return null;
  const [from = 0, to = all.length] = places.map((place) => Number(wholeOf(place)));
  if (from < 0 || to < from || to > all.length)
    throw new ValueError('reflect.Value.Slice: slice index out of bounds');
  return all.slice(from, to);
}

function chunk(size: bigint, list: Value): Value {
  const all = elements('chunk', list);
  const width = Math.max(1, Number(size));
  return Array.from({ length: Math.ceil(all.length / width) }, (_, i) =>
    all.slice(i * width, (i + 1) * width),
  );
}

function dict(...pairs: Value[]): Value {
  const map: Table = new Map();
  for (let i = 0; i < pairs.length; i += 2)
    map.set(textOf(pairs[i]), i + 1 < pairs.length ? pairs[i + 1] : '');
  return map;
}

function dig(...given: Value[]): Value {
  if (given.length < 3) throw new ValueError('dig needs at least three arguments');
  let at = given.at(-1);
  const otherwise = given.at(-2);
  for (const key of given.slice(0, -2)) {
    if (!(at instanceof Map))
      throw new ValueError(
        `interface conversion: interface {} is ${typeName(at)}, not map[string]interface {}`,
      );
    if (!at.has(key)) return otherwise;
    at = at.get(key);
  }
  return at;
}

const copied = (value: Value): Value => {
  const type = typeOf(value);
  if (Array.isArray(value))
    return type === LIST || type === undefined ? value.map(copied) : typed(type, value.map(copied));
  if (!(value instanceof Map)) return value;
  const map = new Map([...value].map(([key, one]) => [key, copied(one)]));
  return type === MAP || type === undefined ? map : typed(type, map);
};

/** A function and the same one under its other name, that says what is wrong; here both do. */
function twice(name: string, entry: Entry): Group {
  return {
    [name]: entry,
    [`must${name[0]?.toUpperCase()}${name.slice(1)}`]: { ...entry, summary: `\`${name}\`.` },
  };
}

const listFn = (name: string, call: (list: Value[]) => Value) =>
  fn([ANY], ANY, (list: Value) => call(elements(name, list)));
const withOne = (name: string, call: (list: Value[], value: Value) => Value) =>
  fn([ANY, ANY], LIST, (list: Value, value: Value) => call(elements(name, list), value));
const listOf = variadic([ANY], LIST, (...values: Value[]) => values);
const push = withOne('push on', (list, value) => [...list, value]);
const merging = (override: boolean) =>
  variadic([MAP, MAP], ANY, (into: Table, ...others: Table[]) =>
    others.reduce((all, one) => mergeInto(all, one, override), into),
  );

export const COLLECTIONS: Group = {
  list: pure(listOf, 'A list.', '{{ sprig_list 1 "a" }}'),
  tuple: pure(listOf, 'The same.', '{{ sprig_tuple 1 "a" }}'),
  ...twice(
    'first',
    pure(
      listFn('find first on', (list) => list[0] ?? null),
      'The first element.',
      '{{ sprig_first .List }}',
    ),
  ),
  ...twice(
    'rest',
    pure(
      listFn('find rest on', (list) => list.slice(1)),
      'All but the first.',
      '{{ sprig_rest .List }}',
    ),
  ),
  ...twice(
    'last',
    pure(
      listFn('find last on', (list) => list.at(-1) ?? null),
      'The last element.',
      '{{ sprig_last .List }}',
    ),
  ),
  ...twice(
    'initial',
    pure(
      listFn('find initial on', (list) => list.slice(0, -1)),
      'All but the last.',
      '{{ sprig_initial .List }}',
    ),
  ),
  ...twice('append', pure(push, 'A list with one more at the end.', '{{ sprig_append .List 5 }}')),
  ...twice('push', pure(push, '`append`.', '{{ sprig_push .List 5 }}')),
  ...twice(
    'prepend',
    pure(
      withOne('prepend on', (list, value) => [value, ...list]),
      'A list with one more in front.',
      '{{ sprig_prepend .List 0 }}',
    ),
  ),
  ...twice(
    'reverse',
    pure(
      listFn('find reverse on', (list) => list.toReversed()),
      'The other way round.',
      '{{ sprig_reverse .List }}',
    ),
  ),
  ...twice(
    'uniq',
    pure(listFn('find uniq on', uniq), 'Without what was there before.', '{{ sprig_uniq .List }}'),
  ),
  ...twice(
    'without',
    pure(
      variadic([ANY, ANY], LIST, (list: Value, ...out: Value[]) =>
        elements('find without on', list).filter((one) => !out.some((other) => deepEqual(one, other))),
      ),
      'Without some values.',
      '{{ sprig_without .List 3 }}',
    ),
  ),
  ...twice(
    'has',
    pure(
      fn(
        [ANY, ANY],
        BOOL,
        (value: Value, list: Value) =>
          list !== null && elements('find has on', list).some((one) => deepEqual(one, value)),
      ),
      'Is the first in the list?',
      '{{ sprig_has 4 .List }}',
    ),
  ),
  ...twice(
    'compact',
    pure(
      listFn('compact on', (list) => list.filter((one) => !isEmpty(one))),
      'Without what is empty.',
      '{{ sprig_compact .List }}',
    ),
  ),
  ...twice(
    'slice',
    pure(
      variadic([ANY, ANY], ANY, slice),
      'From one place to before another.',
      '{{ sprig_slice .List 1 3 }}',
    ),
  ),
  ...twice('chunk', pure(fn([INT, ANY], LIST, chunk), 'Lists of a length.', '{{ sprig_chunk 3 .List }}')),
  concat: pure(
    variadic([ANY], LIST, (...lists: Value[]) => lists.flatMap((list) => elements('concat', list))),
    'Lists one behind the other.',
    '{{ sprig_concat .List .Other }}',
  ),
  dict: pure(variadic([ANY], MAP, dict), 'A map of keys and values.', '{{ sprig_dict "a" 1 "b" 2 }}'),
  get: pure(
    fn([MAP, STRING], ANY, (map: Table, key: string) => (map.has(key) ? map.get(key) : '')),
    'The value of a key.',
    '{{ sprig_get $map "a" }}',
  ),
  set: own(
    fn([MAP, STRING, ANY], MAP, (map: Table, key: string, value: Value) => map.set(key, value)),
    'Sets a key; answers the map.',
    '{{ $_ := sprig_set $map "a" 1 }}',
  ),
  unset: own(
    fn([MAP, STRING], MAP, (map: Table, key: string) => {
      map.delete(key);
      return map;
    }),
    'Takes a key away; answers the map.',
    '{{ $_ := sprig_unset $map "a" }}',
  ),
  hasKey: pure(
    fn([MAP, STRING], BOOL, (map: Table, key: string) => map.has(key)),
    'Is there the key?',
    '{{ sprig_hasKey $map "a" }}',
  ),
  pluck: pure(
    variadic([STRING, MAP], LIST, (key: string, ...maps: Table[]) =>
      maps.filter((map) => map.has(key)).map((map) => map.get(key)),
    ),
    'The values of a key in several maps.',
    '{{ sprig_pluck "a" $map $other }}',
  ),
  keys: pure(
    variadic([MAP], STRINGS, (...maps: Table[]) =>
      typed(
        STRINGS,
        maps.flatMap((map) => byKey(map).map(([key]) => key)),
      ),
    ),
    'All keys, in order.',
    '{{ sprig_keys $map }}',
  ),
  values: pure(
    fn([MAP], LIST, (map: Table) => byKey(map).map(([, value]) => value)),
    'All values, in the order of their keys.',
    '{{ sprig_values $map }}',
  ),
  pick: pure(
    variadic(
      [MAP, STRING],
      MAP,
      (map: Table, ...keys: string[]) => new Map([...map].filter(([key]) => keys.includes(key as string))),
    ),
    'Some keys only.',
    '{{ sprig_pick $map "a" }}',
  ),
  omit: pure(
    variadic(
      [MAP, STRING],
      MAP,
      (map: Table, ...keys: string[]) => new Map([...map].filter(([key]) => !keys.includes(key as string))),
    ),
    'All but some keys.',
    '{{ sprig_omit $map "a" }}',
  ),
  ...twice(
    'merge',
    own(merging(false), 'The first map, filled up from the others.', '{{ sprig_merge $map $other }}'),
  ),
  ...twice(
    'mergeOverwrite',
    own(merging(true), 'The first map, overwritten by the others.', '{{ sprig_mergeOverwrite $map $other }}'),
  ),
  dig: pure(
    variadic([ANY], ANY, dig),
    'The value under several keys, or a default.',
    '{{ sprig_dig "a" "b" "none" $map }}',
  ),
  ...twice(
    'deepCopy',
    pure(fn([ANY], ANY, copied), 'A copy in which everything may be changed.', '{{ sprig_deepCopy $map }}'),
  ),
};
