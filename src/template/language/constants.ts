/** Literals of numbers as Go reads them. */
import type { Constant } from './nodes.ts';
import { quote, unquoteRune } from './quote.ts';

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const MAX_UINT = 2n ** 64n - 1n;

/** Underscores stand between digits, or behind the prefix of a base. */
const INTEGER =
  /^([+-]?)(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/;
const DECIMAL =
  /^[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?$/;
const HEXADECIMAL = /^([+-]?)0[xX]((?:_?[0-9a-fA-F])*)(?:\.((?:[0-9a-fA-F]_?)*))?[pP]([+-]?[0-9]+)$/;

/** Undefined when the text is no whole number, however large. */
function parseInteger(text: string): bigint | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '');
  const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const value = BigInt(octal);
  return match[1] === '-' ? -value : value;
}

/** Undefined when the text is no number. Too large a number is infinite. */
function parseDecimal(text: string): number | undefined {
  const hex = HEXADECIMAL.exec(text);
  if (hex !== null) {
    const [, sign, whole = '', fraction = '', exponent = '0'] = hex.map(
      (part) => part?.replaceAll('_', '') ?? '',
    );
    if (whole === '' && fraction === '') return undefined;
    const mantissa = Number(BigInt(`0x${whole}${fraction}`));
    return (sign === '-' ? -1 : 1) * mantissa * 2 ** (Number(exponent) - 4 * fraction.length);
  }
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  return DECIMAL.test(text) ? Number(text.replaceAll('_', '')) : undefined;
}

const asInt = (value: bigint): { int?: bigint } =>
  value >= MIN_INT && value <= MAX_INT ? { int: value } : {};
const asUint = (value: bigint): { uint?: bigint } =>
  value >= 0n && value <= MAX_UINT ? { uint: value } : {};

/** The whole numbers that a fraction stands for, if it does. */
function wholeOf(float: number): { int?: bigint; uint?: bigint } {
  if (!Number.isInteger(float)) return {};
  const value = BigInt(float);
  return { ...asInt(value), ...asUint(value) };
}

/** Reads a token of the lexer; a message in Go's words when it is no number. */
export function readConstant(text: string, kind: 'charConstant' | 'complex' | 'number'): Constant | string {
  if (kind === 'charConstant') {
    const code = unquoteRune(text);
    if (typeof code === 'string') return code;
    return { text, int: BigInt(code), uint: BigInt(code), float: code };
  }
  if (kind === 'complex') return complexOf(text);
  if (text.endsWith('i')) {
    const imaginary = parseDecimal(text.slice(0, -1));
    if (imaginary !== undefined) return withComplex(text, 0, imaginary);
  }
  const whole = parseInteger(text);
  if (whole !== undefined) {
    const read = { ...asInt(whole), ...asUint(whole) };
    if (read.int === undefined && read.uint === undefined) return `integer overflow: ${quote(text)}`;
    return { text, ...read, float: Number(whole) };
  }
  const float = parseDecimal(text);
  if (float === undefined || !Number.isFinite(float)) return `illegal number syntax: ${quote(text)}`;
  if (!/[.eEpP]/.test(text)) return `integer overflow: ${quote(text)}`;
  return { text, float, ...wholeOf(float) };
}

function complexOf(text: string): Constant | string {
  const split = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'));
  // The sign of an exponent is not that of the imaginary part.
  const at = /[eEpP]/.test(text[split - 1] ?? '')
    ? Math.max(text.lastIndexOf('+', split - 1), text.lastIndexOf('-', split - 1))
    : split;
  const real = parseDecimal(text.slice(0, at));
  const imaginary = parseDecimal(text.slice(at, -1));
  if (real === undefined || imaginary === undefined) return `syntax error scanning complex number`;
  return withComplex(text, real, imaginary);
}

function withComplex(text: string, real: number, imaginary: number): Constant {
  const complex = { real, imaginary };
  return imaginary === 0 ? { text, complex, float: real, ...wholeOf(real) } : { text, complex };
}
