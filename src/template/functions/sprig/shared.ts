/** How sprig's functions read what they are given: as text, as a number, as something or nothing. */
import { floatOf, fromBytes, integerOf, printed, sprintf, truth, type Value } from '../../language/index.ts';

/** A value as text: what it prints. */
export const textOf = (value: Value): string =>
  typeof value === 'string' ? value : value instanceof Uint8Array ? fromBytes(value) : printed(value);

/** A list as texts, without what is nil; anything else as the only one. */
export function textsOf(value: Value): string[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) return [textOf(value)];
  return value.filter((one) => one !== null && one !== undefined).map(textOf);
}

/** A value as a whole number of 64 bits; 0 when it is none. */
export function wholeOf(value: Value): bigint {
  const whole = integerOf(value);
  if (whole !== undefined) return BigInt.asIntN(64, whole);
  const fraction = floatOf(value);
  if (fraction !== undefined)
    return Number.isFinite(fraction) ? BigInt.asIntN(64, BigInt(Math.trunc(fraction))) : 0n;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value !== 'string') return 0n;
  const digits = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|\d+)$/.exec(value);
  if (digits === null) return 0n;
  const written = (digits[2] as string).replace(/^0(?=[0-7])/, '0o');
  const read = BigInt(written);
  return BigInt.asIntN(64, digits[1] === '-' ? -read : read);
}

/** A value as a fraction; 0 when it is no number. */
export function fractionOf(value: Value): number {
  const fraction = floatOf(value);
  if (fraction !== undefined) return fraction;
  const whole = integerOf(value);
  if (whole !== undefined) return Number(whole);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || !/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) return 0;
  return Number(value);
}

/** Nothing, in sprig's sense: what Go takes for false. */
export const isEmpty = (value: Value): boolean => !truth(value);

export const quoted = (value: Value): string => sprintf('%q', [textOf(value)]);
