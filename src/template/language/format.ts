/** Go's Sprintf. Mistakes in a format show in the text, as there: `%!d(string=x)`, `%!s(MISSING)`. */
import { byteLength, fromBytes, runeCount, runeText, toBytes } from './bytes.ts';
import { formatFloat } from './floats.ts';
import { unicodeOf } from './lexer.ts';
import { printed, type Style, sortedEntries } from './print.ts';
import { canBackquote, quote, quoteRune } from './quote.ts';
import { isUint } from './types.ts';
import { floatOf, GoFunction, integerOf, isStruct, Scalar, typeName, typeOf, type Value } from './value.ts';

/** Wider fields than this are Go's BADWIDTH too. */
const MAX_WIDTH = 1_000_000;

interface Flags {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width: number | undefined;
  precision: number | undefined;
}

export function sprintf(format: string, values: readonly Value[]): string {
  let out = '';
  let next = 0;
  let reordered = false;
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent === -1) return finish(out + format.slice(at));
    out += format.slice(at, percent);
    at = percent + 1;
    const flags: Flags = {
      minus: false,
      plus: false,
      sharp: false,
      space: false,
      zero: false,
      width: undefined,
      precision: undefined,
    };
    flagLoop: for (; at < format.length; at++) {
      switch (format[at]) {
        case '-':
          flags.minus = true;
          flags.zero = false;
          break;
        case '+':
          flags.plus = true;
          break;
        case '#':
          flags.sharp = true;
          break;
        case ' ':
          flags.space = true;
          break;
        case '0':
          flags.zero = !flags.minus;
          break;
        default:
          break flagLoop;
      }
    }
    let badIndex = false;
    let afterIndex = false;
    /** `[3]`: which value is next. */
    const takeIndex = (): void => {
      if (format[at] !== '[') return;
      reordered = true;
      const close = format.indexOf(']', at);
      const number = close === -1 ? Number.NaN : Number(format.slice(at + 1, close) || 'x');
      if (Number.isInteger(number) && number >= 1 && number <= values.length) {
        next = number - 1;
        afterIndex = true;
      } else badIndex = true;
      at = close === -1 ? at + 1 : close + 1;
    };
    /** A number that is written, or `*` for that of the next value; undefined when there is none. */
    const takeNumber = (): number | 'bad' | undefined => {
      if (format[at] === '*') {
        at++;
        const given = integerOf(values[next]);
        next++;
        afterIndex = false;
        return given === undefined || given > MAX_WIDTH || given < -MAX_WIDTH ? 'bad' : Number(given);
      }
      const digits = /^\d+/.exec(format.slice(at, at + 10))?.[0];
      if (digits === undefined) return undefined;
      at += digits.length;
      return Number(digits) > MAX_WIDTH ? 'bad' : Number(digits);
    };
    takeIndex();
    const starWidth = format[at] === '*';
    const width = takeNumber();
    if (width === 'bad') out += '%!(BADWIDTH)';
    else if (width !== undefined) {
      if (afterIndex && !starWidth) badIndex = true;
      flags.width = Math.abs(width);
      if (width < 0) {
        flags.minus = true;
        flags.zero = false;
      }
    }
    if (format[at] === '.') {
      at++;
      if (afterIndex) badIndex = true;
      takeIndex();
      const star = format[at] === '*';
      const precision = takeNumber();
      if (precision === 'bad' || (star && typeof precision === 'number' && precision < 0))
        out += '%!(BADPREC)';
      else flags.precision = precision ?? 0;
    }
    if (!afterIndex) takeIndex();
    if (at >= format.length) return finish(`${out}%!(NOVERB)`);
    const verb = String.fromCodePoint(format.codePointAt(at) as number);
    at += verb.length;
    if (verb === '%') out += '%';
    else if (badIndex) out += `%!${verb}(BADINDEX)`;
    else if (next >= values.length) out += `%!${verb}(MISSING)`;
    else out += formatted(values[next++], verb, flags);
  }
  return finish(out);

  function finish(text: string): string {
    if (reordered || next >= values.length) return text;
    const rest = values
      .slice(next)
      .map((value) =>
        value === null || value === undefined ? '<nil>' : `${typeName(value)}=${printed(value)}`,
      );
    return `${text}%!(EXTRA ${rest.join(', ')})`;
  }
}

function formatted(value: Value, verb: string, flags: Flags): string {
  if (verb === 'T') return padded(typeName(value), flags);
  if (verb === 'v') {
    const style: Style = flags.sharp ? 'sharp' : flags.plus ? 'plus' : 'plain';
    return formatValue(value, verb, { ...flags, sharp: false, plus: false }, style);
  }
  return formatValue(value, verb, flags, 'plain');
}

function formatValue(value: Value, verb: string, flags: Flags, style: Style): string {
  if (value === null || value === undefined)
    return verb === 'v' ? padded('<nil>', flags) : `%!${verb}(<nil>)`;
  const bad = (): string => mistaken(value, verb, flags);
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? padded(String(value), flags) : bad();
  if (typeof value === 'string') return formatString(value, verb, flags, style) ?? bad();
  const whole = integerOf(value);
  if (whole !== undefined) return formatInteger(whole, value, verb, flags, style) ?? bad();
  const fraction = floatOf(value);
  if (fraction !== undefined) return formatFraction(fraction, verb, flags) ?? bad();
  if (value instanceof Uint8Array && verb !== 'v' && verb !== 'd')
    return formatString(fromBytes(value), verb, flags, style) ?? bad();
  if (value instanceof Scalar && verb !== 'v') return formatComplex(value, verb, flags);
  if (value instanceof GoFunction) return verb === 'v' || verb === 'p' ? '0xc000012345' : bad();
  if (style === 'sharp') return padded(printed(value, style), flags);
  return formatParts(value, verb, flags, style);
}

/** Lists, maps and structs: each part by the same verb. */
function formatParts(value: Value, verb: string, flags: Flags, style: Style): string {
  const part = (one: Value): string =>
    one === null || one === undefined ? '<nil>' : formatValue(one, verb, flags, style);
  if (Array.isArray(value)) return `[${value.map(part).join(' ')}]`;
  if (value instanceof Uint8Array) return `[${Array.from(value, (one) => part(BigInt(one))).join(' ')}]`;
  if (value instanceof Map)
    return `map[${sortedEntries(value)
      .map(([key, one]) => `${part(key)}:${part(one)}`)
      .join(' ')}]`;
  if (verb === 'v' || !isStruct(value)) return printed(value, style);
  const fields = [...(typeOf(value)?.elem?.fields?.keys() ?? [])].map((name) => part(value[name]));
  return `${typeOf(value)?.isValue === true ? '' : '&'}{${fields.join(' ')}}`;
}

/** A verb that is not for the value: it is shown as `%v` would, with the same flags. */
function mistaken(value: Value, verb: string, flags: Flags): string {
  return `%!${verb}(${typeName(value)}=${formatValue(value, 'v', flags, 'plain')})`;
}

/** Filled up to the width, counted in runes. */
function padded(text: string, { width, minus, zero }: Flags): string {
  const missing = (width ?? 0) - (width === undefined ? 0 : runeCount(text));
  if (missing <= 0) return text;
  if (minus) return text + ' '.repeat(missing);
  return (zero ? '0' : ' ').repeat(missing) + text;
}

function formatString(text: string, verb: string, flags: Flags, style: Style): string | undefined {
  const cut = (): string => {
    if (flags.precision === undefined) return text;
    return [...text].slice(0, flags.precision).join('');
  };
  switch (verb) {
    case 'v':
      return padded(style === 'sharp' ? quote(text) : cut(), flags);
    case 's':
      return padded(cut(), flags);
    case 'q': {
      const shown = cut();
      return padded(flags.sharp && canBackquote(shown) ? `\`${shown}\`` : quote(shown, flags.plus), flags);
    }
    case 'x':
    case 'X': {
      const bytes = toBytes(text).subarray(0, flags.precision ?? byteLength(text));
      const pairs = Array.from(bytes, (one) => one.toString(16).padStart(2, '0'));
      const prefix = flags.sharp && pairs.length > 0 ? '0x' : '';
      const joined = flags.space ? pairs.map((pair) => prefix + pair).join(' ') : prefix + pairs.join('');
      return padded(verb === 'X' ? joined.toUpperCase() : joined, flags);
    }
    default:
      return undefined;
  }
}

const BASES: Readonly<Record<string, number>> = { d: 10, v: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const PREFIXES: Readonly<Record<string, string>> = { b: '0b', o: '0', x: '0x', X: '0X' };

function formatInteger(
  whole: bigint,
  value: Value,
  verb: string,
  flags: Flags,
  style: Style,
): string | undefined {
  switch (verb) {
    case 'c':
      return padded(runeText(Number(BigInt.asIntN(53, whole))), flags);
    case 'q':
      return padded(quoteRune(Number(BigInt.asIntN(53, whole)), flags.plus), flags);
    case 'U': {
      if (whole < 0n || whole > 0x10ffffn)
        return padded(`U+${BigInt.asUintN(64, whole).toString(16).toUpperCase().padStart(4, '0')}`, flags);
      const name = unicodeOf(Number(whole));
      return padded(flags.sharp ? name : (name.split(' ')[0] as string), flags);
    }
    case 'v':
      if (style === 'sharp' && isUint(typeOf(value)?.kind ?? 'int'))
        return formatDigits(whole, 'x', { ...flags, sharp: true });
      break;
  }
  return BASES[verb] === undefined ? undefined : formatDigits(whole, verb, flags);
}

function formatDigits(whole: bigint, verb: string, flags: Flags): string {
  const negative = whole < 0n;
  let digits = (negative ? -whole : whole).toString(BASES[verb]);
  if (verb === 'X') digits = digits.toUpperCase();
  if (flags.precision === 0 && whole === 0n) return ' '.repeat(flags.width ?? 0);
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  if (flags.precision !== undefined) digits = digits.padStart(flags.precision, '0');
  else if (flags.zero && flags.width !== undefined) digits = digits.padStart(flags.width - sign.length, '0');
  let prefix = flags.sharp ? (PREFIXES[verb] ?? '') : '';
  if (prefix === '0' && digits.startsWith('0')) prefix = '';
  if (verb === 'O') prefix = '0o';
  return padded(sign + prefix + digits, { ...flags, zero: false });
}

function formatFraction(value: number, verb: string, flags: Flags): string | undefined {
  const format = verb === 'v' ? 'g' : verb;
  if (!/^[eEfFgGxXb]$/.test(format)) return undefined;
  if (format === 'b') return padded(powerOfTwo(value), flags);
  const precision = flags.precision ?? (/^[eEfF]$/.test(format) ? 6 : -1);
  let text = formatFloat(value, format, precision);
  if (flags.sharp && Number.isFinite(value) && !/[xX]/.test(text))
    text = withPoint(text, format, flags.precision);
  return signed(text, flags);
}

/** `%#g` and the like: always with a point, `%g` with all its digits. */
function withPoint(text: string, format: string, precision: number | undefined): string {
  const [, number = '', exponent = ''] = /^([^eE]*)(.*)$/.exec(text) ?? [];
  const pointed = number.includes('.') ? number : `${number}.`;
  if (!/[gG]/.test(format)) return pointed + exponent;
  const digits = pointed.replace(/^[-+]?0*\.?0*|\./g, '').length;
  return pointed + '0'.repeat(Math.max(0, Math.max(1, precision ?? 6) - Math.max(1, digits))) + exponent;
}

function signed(text: string, flags: Flags): string {
  const negative = text.startsWith('-');
  const infinite = /Inf|NaN/.test(text);
  const body = text.replace(/^[+-]/, '');
  const sign = negative
    ? '-'
    : flags.plus
      ? '+'
      : flags.space
        ? ' '
        : infinite && text.startsWith('+')
          ? '+'
          : '';
  if (flags.zero && !infinite && flags.width !== undefined)
    return sign + body.padStart(flags.width - sign.length, '0');
  return padded(sign + body, { ...flags, zero: false });
}

/** `%b` of a float: the mantissa and the power of two, "4503599627370496p-52". */
function powerOfTwo(value: number): string {
  if (!Number.isFinite(value)) return formatFloat(value, 'g', -1);
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const biased = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const exponent = (biased === 0 ? 1 : biased) - 1075;
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  return `${word >> 63n === 1n ? '-' : ''}${mantissa}p${exponent >= 0 ? '+' : ''}${exponent}`;
}

function formatComplex({ value }: Scalar, verb: string, flags: Flags): string {
  if (typeof value !== 'object') return '';
  const part = (one: number, plus: boolean): string =>
    formatFraction(one, verb, { ...flags, plus: plus || flags.plus }) ?? mistaken(one, verb, flags);
  return `(${part(value.real, false)}${part(value.imaginary, true)}i)`;
}
