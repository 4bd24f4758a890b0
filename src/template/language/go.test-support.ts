/** The value, and the functions, that the recorded cases of Go's text/template are carried out with. */
import {
  ANY,
  BOOL,
  BYTES,
  Channel,
  chanOf,
  FLOAT64,
  type FunctionTable,
  fn,
  fromJson,
  INT,
  INT64,
  MAP,
  mapOf,
  Scalar,
  STRING,
  STRING_MAP,
  STRINGS,
  structType,
  toBytes,
  typed,
  UINT64,
  type Value,
} from './index.ts';

const NUMBERS = mapOf(STRING, INT);

const Thing = structType(
  'main.T',
  { A: INT, B: STRING, C: STRINGS, D: NUMBERS, E: MAP, F: ANY, G: FLOAT64, H: BOOL },
  {
    Hello: {
      params: [STRING],
      variadic: false,
      result: STRING,
      call: (_self, [name]) => `hello ${String(name)}`,
    },
    Sum: {
      params: [INT],
      variadic: true,
      result: INT,
      call: (_self, numbers) => (numbers as bigint[]).reduce((a, b) => a + b, 0n),
    },
    Bad: {
      params: [],
      variadic: false,
      result: STRING,
      call: () => {
        throw new Error('bad thing');
      },
    },
  },
);

const strings = (...values: Value[]): Value => typed(STRINGS, values);

export const thing = new Thing({
  A: 1n,
  B: 'b',
  C: strings('x', 'y'),
  D: typed(NUMBERS, new Map<Value, Value>([['k', 7n]])),
  E: new Map<Value, Value>([
    ['n', null],
    ['s', 't'],
    ['l', [1.5, 'z']],
  ]),
  F: new Thing({
    A: 2n,
    B: 'in',
    C: strings(),
    D: typed(NUMBERS, new Map<Value, Value>()),
    E: new Map(),
    F: null,
    G: 0,
    H: false,
  }),
  G: 2.5,
  H: true,
});

const INT_MAP = mapOf(INT, STRING);
const STREAM = chanOf(INT64);

export const functions: FunctionTable = {
  parseJSON: fn([STRING], ANY, (text: string) => fromJson(JSON.parse(text))),
  split: fn([STRING, STRING], STRINGS, (separator: string, text: string) =>
    strings(...text.split(separator)),
  ),
  join: fn([STRING, STRINGS], STRING, (separator: string, list: string[]) => list.join(separator)),
  add: fn([INT, INT], INT, (a: bigint, b: bigint) => a + b),
  toUpper: fn([STRING], STRING, (text: string) => text.toUpperCase()),
  f64: fn([FLOAT64], FLOAT64, (value: number) => value),
  bytes: fn([STRING], BYTES, (text: string) => toBytes(text)),
  u64: fn([UINT64], UINT64, (value: bigint) => new Scalar(UINT64, value)),
  smap: fn([], STRING_MAP, () => typed(STRING_MAP, new Map<Value, Value>([['a', 'x']]))),
  imap: fn([], INT_MAP, () =>
    typed(
      INT_MAP,
      new Map<Value, Value>([
        [3n, 'c'],
        [1n, 'a'],
      ]),
    ),
  ),
  fail: fn([STRING], STRING, (text: string) => {
    throw new Error(text);
  }),
  null: fn([], ANY, () => null),
  fun: fn([], ANY, () => fn([INT], INT, (value: bigint) => value * 2n)),
  chan: fn([INT], STREAM, (count: bigint) => new Channel(STREAM, counted(count))),
};

function* counted(to: bigint): Generator<Value> {
  for (let i = 0n; i < to; i++) yield new Scalar(INT64, i);
}
