/** Arithmetic as consul-template has it: the value comes last, so that it can be piped. */
import {
  ANY,
  fn,
  type GoFunction,
  INT64,
  isUint,
  Scalar,
  sprintf,
  typeName,
  typeOf,
  UINT64,
  type Value,
  ValueError,
} from '../language/index.ts';
import { type Group, pure } from './entry.ts';

interface Amount {
  readonly kind: 'int' | 'uint' | 'float';
  readonly value: bigint | number;
}

function numberOf(value: Value): Amount | undefined {
  if (typeof value === 'bigint') return { kind: 'int', value };
  if (typeof value === 'number') return { kind: 'float', value };
  if (!(value instanceof Scalar) || typeof value.value === 'object') return undefined;
  const kind = typeOf(value)?.kind ?? 'int';
  if (typeof value.value === 'number') return { kind: 'float', value: value.value };
  return { kind: isUint(kind) ? 'uint' : 'int', value: value.value };
}

interface Operation {
  readonly name: string;
  /** Of the value and the operand, wrapped to 64 bits behind it. */
  readonly whole: (value: bigint, by: bigint) => bigint;
  readonly float: ((value: number, by: number) => number) | undefined;
}

const both = (name: string, by: Value, value: Value): [Amount, Amount] => {
  const v = numberOf(value);
  const b = numberOf(by);
  if (v === undefined) throw unknown(name, value);
  if (b === undefined) throw unknown(name, by);
  return [v, b];
};

const unknown = (name: string, value: Value): ValueError =>
  new ValueError(
    `${name}: unknown type for ${value === null ? '<invalid reflect.Value>' : sprintf('%q', [value])} (${typeName(value)})`,
  );

function operate({ name, whole, float }: Operation): GoFunction {
  return fn([ANY, ANY], ANY, (by: Value, value: Value) => {
    const [v, b] = both(name, by, value);
    if (v.kind === 'float' || b.kind === 'float') {
      if (float === undefined) throw unknown(name, v.kind === 'float' ? value : by);
      return float(Number(v.value), Number(b.value));
    }
    const [x, y] = [v.value as bigint, b.value as bigint];
    if (y === 0n && (name === 'divide' || name === 'modulo'))
      throw new ValueError('runtime error: integer divide by zero');
    return v.kind === 'uint' && b.kind === 'uint'
      ? new Scalar(UINT64, BigInt.asUintN(64, whole(x, y)))
      : new Scalar(INT64, BigInt.asIntN(64, whole(BigInt.asIntN(64, x), BigInt.asIntN(64, y))));
  });
}

/** The one of two values that `wins` when it is compared with the other; of two that are the same, the operand. */
function choose(name: string, wins: (value: number | bigint, other: number | bigint) => boolean): GoFunction {
  return fn([ANY, ANY], ANY, (by: Value, value: Value) => {
    const [v, b] = both(name, by, value);
    const { kind, value: chosen } = wins(v.value, b.value) ? v : b;
    if (kind === 'float') return chosen;
    return new Scalar(kind === 'uint' ? UINT64 : INT64, chosen);
  });
}

export const MATH_FUNCTIONS: Group = {
  add: pure(
    operate({ name: 'add', whole: (v, b) => v + b, float: (v, b) => v + b }),
    'The sum.',
    '{{ .Port | add 1 }}',
  ),
  subtract: pure(
    operate({ name: 'subtract', whole: (v, b) => v - b, float: (v, b) => v - b }),
    'The second less the first.',
    '{{ 5 | subtract 2 }}',
  ),
  multiply: pure(
    operate({ name: 'multiply', whole: (v, b) => v * b, float: (v, b) => v * b }),
    'The product.',
    '{{ 2 | multiply 3 }}',
  ),
  divide: pure(
    operate({ name: 'divide', whole: (v, b) => v / b, float: (v, b) => v / b }),
    'The second by the first.',
    '{{ 10 | divide 2 }}',
  ),
  modulo: pure(
    operate({ name: 'modulo', whole: (v, b) => v % b, float: undefined }),
    'What is left of the second divided by the first.',
    '{{ 10 | modulo 3 }}',
  ),
  minimum: pure(
    choose('minimum', (v, b) => v < b),
    'The smaller one.',
    '{{ 5 | minimum 2 }}',
  ),
  maximum: pure(
    choose('maximum', (v, b) => v > b),
    'The larger one.',
    '{{ 5 | maximum 2 }}',
  ),
};
