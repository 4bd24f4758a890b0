/** Lists and maps: what is in them, and how they are arranged. */
import { compareUtf8 } from '../../lib/order.ts';
import { HealthService, KeyPair, ServiceSnippet } from '../dependencies/values.ts';
import {
  ANY,
  BOOL,
  Channel,
  chanOf,
  floatOf,
  fn,
  INT,
  INT64,
  integerOf,
  LIST,
  MAP,
  mapOf,
  quote,
  Scalar,
  STRING,
  sliceOf,
  sprintf,
  typed,
  typeName,
  type Value,
  ValueError,
  variadic,
} from '../language/index.ts';
import { type Group, own, pure } from './entry.ts';
import { keyText } from './json.ts';

const SERVICES = sliceOf(HealthService.type);
const PAIRS = sliceOf(KeyPair.type);
const PAIR_MAP = mapOf(STRING, KeyPair.type);

/** Is the value in a list, or in a text? */
export function isIn(list: Value, value: Value): boolean {
  if (typeof list === 'string') return typeof value === 'string' && list.includes(value);
  if (!Array.isArray(list)) return false;
  const whole = integerOf(value);
  if (whole !== undefined) return list.some((one) => integerOf(one) === whole);
  const fraction = floatOf(value);
  if (fraction !== undefined) return list.some((one) => floatOf(one) === fraction);
  return typeof value === 'string' && list.includes(value);
}

const containsSome = (ofAll: (values: Value[], test: (value: Value) => boolean) => boolean) =>
  fn([LIST, ANY], BOOL, (values: Value[], list: Value) => ofAll(values, (value) => isIn(list, value)));

/** Adds to the list of a key. */
function put(groups: Map<Value, Value>, key: Value, value: Value): void {
  const list = groups.get(key);
  if (Array.isArray(list)) list.push(value);
  else groups.set(key, [value]);
}

function byTag(list: Value): Value {
  const groups = new Map<Value, Value>();
  if (list !== null && !isListOf(list, HealthService, ServiceSnippet))
    throw new ValueError(`byTag: wrong argument type ${typeName(list)}`);
  for (const one of (list ?? []) as { Tags: string[] }[]) for (const tag of one.Tags) put(groups, tag, one);
  return typed(mapOf(STRING, LIST), groups);
}

function byPort(list: Value): Value {
  const groups = new Map<Value, Value>();
  if (list !== null && !isListOf(list, HealthService))
    throw new ValueError(`byPort: wrong argument type ${typeName(list)}`);
  for (const one of (list ?? []) as { Port: bigint }[]) put(groups, one.Port, one);
  return typed(mapOf(INT, LIST), groups);
}

type Class = abstract new (...args: never[]) => unknown;

function isListOf(value: Value, ...classes: Class[]): boolean {
  return Array.isArray(value) && value.every((one) => classes.some((type) => one instanceof type));
}

/** `"version"` or `"version,az|int"`: several make one key, numbers are filled up so that they sort. */
function byMeta(keys: string, services: Value[]): Value {
  const groups = new Map<Value, Value>();
  for (const service of services as { ServiceMeta: Map<string, string> }[]) {
    const parts = keys.split(',').map((key) => {
      const isNumber = key.endsWith('|int');
      const name = isNumber ? key.slice(0, -4) : key;
      const value = service.ServiceMeta.get(name) || (isNumber ? '0' : `_no_${name}_`);
      if (isNumber && !/^[+-]?\d+$/.test(value))
        throw new ValueError(
          `cannot parse ${value} as number : strconv.Atoi: parsing ${quote(value)}: invalid syntax`,
        );
      return (isNumber ? value.replace(/^\+/, '').padStart(5, '0') : value).replace(/[^a-zA-Z0-9_-]/g, '_');
    });
    put(groups, parts.join('_'), service);
  }
  return typed(mapOf(STRING, SERVICES), groups);
}

interface Pair {
  readonly Key: string;
  readonly Value: string;
}

function byKey(pairs: Value[]): Value {
  const groups = new Map<Value, Value>();
  for (const pair of pairs as (Pair & Record<keyof InstanceType<typeof KeyPair>, Value>)[]) {
    const [top = '', ...rest] = pair.Key.split('/');
    const key = rest.join('/');
    if (key === '') continue;
    const group = (groups.get(top) as Map<Value, Value> | undefined) ?? typed(PAIR_MAP, new Map());
    groups.set(top, group);
    group.set(key, new KeyPair({ ...pair, Key: key }));
  }
  return typed(mapOf(STRING, PAIR_MAP), groups);
}

function explodeInto(map: Map<Value, Value>, key: string, value: Value, name: string): void {
  const parts = key.split('/');
  const last = parts.pop() as string;
  let at = map;
  let path = key;
  let above = key;
  for (const part of parts) {
    let next = at.get(part);
    if (next === undefined && !at.has(part)) {
      next = new Map();
      at.set(part, next);
    }
    if (!(next instanceof Map))
      throw new ValueError(
        `${name}: not a map: ${quote(above)}: ${quote(part)} already has value ${sprintf('%q', [next])}`,
      );
    at = next;
    above = path;
    path = path.slice(part.length + 1);
  }
  if (last !== '') at.set(last, value);
}

function explode(pairs: Value[]): Value {
  const map = new Map<Value, Value>();
  for (const { Key, Value: value } of pairs as Pair[]) explodeInto(map, Key, value, 'explode');
  return map;
}

function explodeMap(flat: Map<Value, Value>): Value {
  const map = new Map<Value, Value>();
  const entries = [...flat].map(([key, value]): [string, Value] => [keyText(key), value]);
  entries.sort(([a], [b]) => compareUtf8(a, b));
  for (const [key, value] of entries) explodeInto(map, key, value, 'explodeMap');
  return map;
}

const isEmpty = (value: Value): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  value === false ||
  value === 0 ||
  integerOf(value) === 0n ||
  (Array.isArray(value) && value.length === 0) ||
  (value instanceof Map && value.size === 0);

/** What `from` has and `into` lacks is added to `into`, if it is something; maps are merged inside. With `override` what `from` has wins. */
export function mergeInto(
  into: Map<Value, Value>,
  from: ReadonlyMap<Value, Value>,
  override: boolean,
): Map<Value, Value> {
  for (const [key, value] of from) {
    const own = into.get(key);
    if (own instanceof Map && value instanceof Map) mergeInto(own, value, override);
    else if (override || (isEmpty(own) && value !== null && value !== undefined)) into.set(key, value);
  }
  return into;
}

function loop(...limits: Value[]): Value {
  if (limits.length !== 1 && limits.length !== 2)
    throw new ValueError(`loop: wrong number of arguments, expected 1 or 2, but got ${limits.length}`);
  const [from, to] = limits.length === 1 ? [0n, limits[0]] : limits;
  const [begin, end] = [limit(from), limit(to)];
  return new Channel(
    chanOf(INT64),
    (function* () {
      for (let i = begin; i < end; i++) yield new Scalar(INT64, i);
    })(),
  );
}

function limit(value: Value): bigint {
  const whole = integerOf(value);
  if (whole !== undefined) return whole;
  if (typeof value === 'string') {
    if (/^[+-]?\d+$/.test(value)) return BigInt(value.replace(/^\+/, ''));
    if (value === '') return 0n;
    throw new ValueError(`parseInt: strconv.ParseInt: parsing ${quote(value)}: invalid syntax`);
  }
  throw new ValueError(`loop: bad argument type: ${typeName(value)}`);
}

export const LIST_FUNCTIONS: Group = {
  byKey: pure(
    fn([PAIRS], mapOf(STRING, PAIR_MAP), byKey),
    'Pairs by the first part of their key.',
    '{{ range $name, $pairs := tree "groups" | byKey }}',
  ),
  byMeta: pure(
    fn([STRING, SERVICES], mapOf(STRING, SERVICES), byMeta),
    'Instances by what their metadata says; `|int` sorts as numbers.',
    '{{ range $version, $list := service "web|any" | byMeta "version" }}',
  ),
  byPort: pure(
    fn([ANY], mapOf(INT, LIST), byPort),
    'Instances by port.',
    '{{ range $port, $list := service "web" | byPort }}',
  ),
  byTag: pure(
    fn([ANY], mapOf(STRING, LIST), byTag),
    'Instances, or services, by tag.',
    '{{ range $tag, $list := service "web" | byTag }}',
  ),
  contains: pure(
    fn([ANY, ANY], BOOL, (value: Value, list: Value) => isIn(list, value)),
    'Is the first in the list?',
    '{{ if .Tags | contains "prod" }}',
  ),
  containsAll: pure(
    containsSome((values, test) => values.every(test)),
    'Are all of the first in the list?',
    '{{ if .Tags | containsAll $wanted }}',
  ),
  containsAny: pure(
    containsSome((values, test) => values.some(test)),
    'Is one of the first in the list?',
    '{{ if .Tags | containsAny $wanted }}',
  ),
  containsNone: pure(
    containsSome((values, test) => !values.some(test)),
    'Is none of the first in the list?',
    '{{ if .Tags | containsNone $bad }}',
  ),
  containsNotAll: pure(
    containsSome((values, test) => !values.every(test)),
    'Is one of the first not in the list?',
    '{{ if .Tags | containsNotAll $wanted }}',
  ),
  explode: pure(fn([PAIRS], MAP, explode), 'Pairs as a map of maps.', '{{ tree "conf" | explode | toJSON }}'),
  explodeMap: pure(
    fn([MAP], MAP, explodeMap),
    'A map with "/" in its keys as a map of maps.',
    '{{ scratch.Get "m" | explodeMap }}',
  ),
  in: pure(fn([ANY, ANY], BOOL, isIn), 'Is the second in the first?', '{{ if in .Tags "prod" }}'),
  loop: own(
    variadic([ANY], chanOf(INT64), loop),
    'Whole numbers: from 0, or from the first to before the second.',
    '{{ range loop 5 }}',
  ),
  mergeMap: own(
    fn([MAP, MAP], MAP, (into: Map<Value, Value>, from: Map<Value, Value>) => mergeInto(into, from, false)),
    'The first map, filled up from the second.',
    '{{ mergeMap $mine $defaults }}',
  ),
  mergeMapWithOverride: own(
    fn([MAP, MAP], MAP, (into: Map<Value, Value>, from: Map<Value, Value>) => mergeInto(into, from, true)),
    'The first map, overwritten by the second.',
    '{{ mergeMapWithOverride $defaults $mine }}',
  ),
};
