/** sprig's arithmetic: everything is made a whole number, or a fraction, first. */
import {
  ANY,
  FLOAT64,
  fn,
  type GoFunction,
  INT,
  INT64,
  printed,
  Scalar,
  STRING,
  sliceOf,
  typed,
  type Value,
  ValueError,
  variadic,
} from '../../language/index.ts';
import { type Group, pure } from '../entry.ts';
import { inDecimal } from './decimals.ts';
import { fractionOf, wholeOf } from './shared.ts';

const int64 = (value: bigint): Value => new Scalar(INT64, BigInt.asIntN(64, value));

const wholes = (combine: (a: bigint, b: bigint) => bigint, first?: bigint): GoFunction =>
  first === undefined
    ? variadic([ANY, ANY], INT64, (value: Value, ...others: Value[]) =>
        int64(others.reduce<bigint>((all, one) => combine(all, wholeOf(one)), wholeOf(value))),
      )
    : variadic([ANY], INT64, (...values: Value[]) =>
        int64(values.reduce<bigint>((all, one) => combine(all, wholeOf(one)), first)),
      );

const pair = (combine: (a: bigint, b: bigint) => bigint): GoFunction =>
  fn([ANY, ANY], INT64, (a: Value, b: Value) => int64(combine(wholeOf(a), wholeOf(b))));

/** The first with each of the others, in decimal; `first` where there may be none. */
const fractions = (operation: Parameters<typeof inDecimal>[0], first?: number): GoFunction =>
  first === undefined
    ? variadic([ANY, ANY], FLOAT64, (value: Value, ...others: Value[]) =>
        inDecimal(operation, fractionOf(value), others.map(fractionOf)),
      )
    : variadic([ANY], FLOAT64, (...values: Value[]) => inDecimal(operation, first, values.map(fractionOf)));

const extreme = (choose: (...values: number[]) => number): GoFunction =>
  variadic([ANY, ANY], FLOAT64, (...values: Value[]) => choose(...values.map(fractionOf)));

function octal(text: string): bigint {
  const [, sign, digits] = /^([+-]?)([0-7]+)$/.exec(text) ?? [];
  if (digits === undefined) return 0n;
  const value = BigInt(`0o${digits}`);
  return sign === '-' ? -value : value;
}

const divides =
  (combine: (a: bigint, b: bigint) => bigint) =>
  (a: bigint, b: bigint): bigint => {
    if (b === 0n) throw new ValueError('runtime error: integer divide by zero');
    return combine(a, b);
  };

/** Longest list of numbers that is made. */
const MOST = 10_000_000n;

function range(start: bigint, stop: bigint, step: bigint): bigint[] {
  const list: bigint[] = [];
  if (stop < start ? step >= 0n : step <= 0n) return list;
  if ((stop - start) / step > MOST) throw new ValueError(`the list would have more than ${MOST} numbers`);
  for (let i = start; stop < start ? i > stop : i < stop; i += step) list.push(i);
  return list;
}

const ints = (values: bigint[]): Value => typed(sliceOf(INT), values);

function sequence(...given: bigint[]): string {
  const [first = 0n, second = 0n, third = 0n] = given;
  if (given.length === 0 || given.length > 3) return '';
  const [start, step, end] =
    given.length === 1
      ? [1n, undefined, first]
      : given.length === 2
        ? [first, undefined, second]
        : [first, second, third];
  const towards = end < start ? -1n : 1n;
  if (given.length === 3 && towards < 0n && second > 0n) return '';
  return range(start, end + towards, step ?? towards).join(' ');
}

function round(value: Value, places: bigint, ...on: number[]): number {
  const power = 10 ** Number(places);
  const scaled = power * fractionOf(value);
  return (scaled - Math.trunc(scaled) >= (on[0] ?? 0.5) ? Math.ceil(scaled) : Math.floor(scaled)) / power;
}

export const NUMBERS: Group = {
  atoi: pure(
    fn([STRING], INT, (text: string) => (/^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : 0n)),
    'Text as a whole number, 0 when it is none.',
    '{{ sprig_atoi "5" }}',
  ),
  int: pure(fn([ANY], INT, wholeOf), 'As an int.', '{{ sprig_int "5" }}'),
  int64: pure(
    fn([ANY], INT64, (value: Value) => int64(wholeOf(value))),
    'As an int64.',
    '{{ sprig_int64 "5" }}',
  ),
  float64: pure(fn([ANY], FLOAT64, fractionOf), 'As a float64.', '{{ sprig_float64 "5.5" }}'),
  toDecimal: pure(
    fn([ANY], INT64, (value: Value) => int64(octal(printed(value)))),
    'Octal digits as a number.',
    '{{ sprig_toDecimal "0777" }}',
  ),
  seq: pure(
    variadic([INT], STRING, sequence),
    'Whole numbers as text, as `seq` of the shell.',
    '{{ sprig_seq 1 2 9 }}',
  ),
  until: pure(
    fn([INT], sliceOf(INT), (count: bigint) => ints(range(0n, count, count < 0n ? -1n : 1n))),
    'Whole numbers from 0.',
    '{{ range sprig_until 5 }}',
  ),
  untilStep: pure(
    fn([INT, INT, INT], sliceOf(INT), (start: bigint, stop: bigint, step: bigint) =>
      ints(range(start, stop, step)),
    ),
    'Whole numbers in steps.',
    '{{ range sprig_untilStep 3 6 2 }}',
  ),
  add1: pure(
    fn([ANY], INT64, (value: Value) => int64(wholeOf(value) + 1n)),
    'One more.',
    '{{ sprig_add1 5 }}',
  ),
  add: pure(
    wholes((a, b) => a + b, 0n),
    'The sum.',
    '{{ sprig_add 1 2 3 }}',
  ),
  sub: pure(
    pair((a, b) => a - b),
    'The first less the second.',
    '{{ sprig_sub 5 2 }}',
  ),
  div: pure(pair(divides((a, b) => a / b)), 'The first by the second.', '{{ sprig_div 10 3 }}'),
  mod: pure(pair(divides((a, b) => a % b)), 'What is left of it.', '{{ sprig_mod 10 3 }}'),
  mul: pure(
    wholes((a, b) => a * b),
    'The product.',
    '{{ sprig_mul 2 3 4 }}',
  ),
  max: pure(
    wholes((a, b) => (b > a ? b : a)),
    'The largest.',
    '{{ sprig_max 1 2 3 }}',
  ),
  biggest: pure(
    wholes((a, b) => (b > a ? b : a)),
    'The same.',
    '{{ sprig_biggest 1 2 3 }}',
  ),
  min: pure(
    wholes((a, b) => (b < a ? b : a)),
    'The smallest.',
    '{{ sprig_min 1 2 3 }}',
  ),
  add1f: pure(
    fn([ANY], FLOAT64, (value: Value) => inDecimal('add', fractionOf(value), [1])),
    'One more, of a fraction.',
    '{{ sprig_add1f 1.5 }}',
  ),
  addf: pure(fractions('add', 0), 'The sum of fractions.', '{{ sprig_addf 1.5 2 }}'),
  subf: pure(fractions('subtract'), 'The first less the others.', '{{ sprig_subf 7.5 2 }}'),
  divf: pure(fractions('divide'), 'The first by the others.', '{{ sprig_divf 10 4 }}'),
  mulf: pure(fractions('multiply'), 'The product of fractions.', '{{ sprig_mulf 1.5 2 }}'),
  maxf: pure(extreme(Math.max), 'The largest.', '{{ sprig_maxf 1 2.5 }}'),
  minf: pure(extreme(Math.min), 'The smallest.', '{{ sprig_minf 1.5 2 }}'),
  ceil: pure(
    fn([ANY], FLOAT64, (value: Value) => Math.ceil(fractionOf(value))),
    'Rounded up.',
    '{{ sprig_ceil 1.2 }}',
  ),
  floor: pure(
    fn([ANY], FLOAT64, (value: Value) => Math.floor(fractionOf(value))),
    'Rounded down.',
    '{{ sprig_floor 1.8 }}',
  ),
  round: pure(
    variadic([ANY, INT, FLOAT64], FLOAT64, round),
    'Rounded to so many places.',
    '{{ sprig_round 123.5555 3 }}',
  ),
};
