/** Fractions that are reckoned with in decimal, as sprig does: 0.1 and 0.2 make 0.3. */
import { printed, ValueError } from '../../language/index.ts';

/** `digits` × 10^`exponent`. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** Places behind the point to which a division goes; it rounds halves away from 0. */
const DIVISION_PLACES = 16;

/** The shortest decimal that names the float. */
function decimalOf(value: number): Decimal {
  if (!Number.isFinite(value)) throw new ValueError(`Cannot create a Decimal from ${printed(value)}`);
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

const numberOf = ({ digits, exponent }: Decimal): number => Number(`${digits}e${exponent}`);

function combined(a: Decimal, b: Decimal, combine: (a: bigint, b: bigint) => bigint): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  const raised = (one: Decimal): bigint => one.digits * 10n ** BigInt(one.exponent - exponent);
  return { digits: combine(raised(a), raised(b)), exponent };
}

function quotient(a: Decimal, b: Decimal): Decimal {
  if (b.digits === 0n) throw new ValueError('decimal division by 0');
  const shift = a.exponent - b.exponent + DIVISION_PLACES;
  const over = shift >= 0 ? a.digits * 10n ** BigInt(shift) : a.digits;
  const under = shift >= 0 ? b.digits : b.digits * 10n ** BigInt(-shift);
  const [whole, rest] = [over / under, over % under];
  const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
  const isNegative = over < 0n !== under < 0n;
  const digits = 2n * magnitude(rest) >= magnitude(under) ? whole + (isNegative ? -1n : 1n) : whole;
  return { digits, exponent: -DIVISION_PLACES };
}

const OPERATIONS = {
  add: (a: Decimal, b: Decimal) => combined(a, b, (x, y) => x + y),
  subtract: (a: Decimal, b: Decimal) => combined(a, b, (x, y) => x - y),
  multiply: (a: Decimal, b: Decimal) => ({
    digits: a.digits * b.digits,
    exponent: a.exponent + b.exponent,
  }),
  divide: quotient,
} as const satisfies Record<string, (a: Decimal, b: Decimal) => Decimal>;

/** The first with each of the others, one after the other. Throws `ValueError` for what is no number, and for a division by 0. */
export function inDecimal(
  operation: keyof typeof OPERATIONS,
  first: number,
  others: readonly number[],
): number {
  return numberOf(others.reduce((all, one) => OPERATIONS[operation](all, decimalOf(one)), decimalOf(first)));
}
