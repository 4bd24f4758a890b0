/** Fractions in decimal as Go's strconv.FormatFloat writes them. */

export interface Decimal {
  /** Significant digits, without a point. */
  readonly digits: string;
  /** Of the first digit: the value is d.ddd × 10^exponent. */
  readonly exponent: number;
}

/** The shortest digits that name the float and no other. `value` is finite and not negative. */
function shortest(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}

/** The exact value as a fraction of whole numbers. */
function exact(value: number): { over: bigint; under: bigint } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const biased = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  const power = (biased === 0 ? 1 : biased) - 1075;
  return power >= 0
    ? { over: mantissa << BigInt(power), under: 1n }
    : { over: mantissa, under: 1n << BigInt(-power) };
}

/** Rounds to the nearest, halves to the even one, as Go does (JavaScript's own toFixed rounds halves up). */
function rounded(over: bigint, under: bigint): bigint {
  const quotient = over / under;
  const twice = (over % under) * 2n;
  return twice > under || (twice === under && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

/** `places` digits behind the point: "12.50". */
function fixed(value: number, places: number): string {
  const { over, under } = exact(value);
  const digits = rounded(over * 10n ** BigInt(places), under)
    .toString()
    .padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** `count` significant digits. */
function significant(value: number, count: number): Decimal {
  if (value === 0) return { digits: '0'.repeat(count), exponent: 0 };
  const { over, under } = exact(value);
  let { exponent } = shortest(value);
  // The shortest digits may be those of the next power of ten.
  const power = (n: number): bigint => 10n ** BigInt(Math.abs(n));
  if (exponent >= 0 ? over < under * power(exponent) : over * power(exponent) < under) exponent--;
  const shift = count - 1 - exponent;
  let digits = rounded(
    shift >= 0 ? over * power(shift) : over,
    shift >= 0 ? under : under * power(shift),
  ).toString();
  if (digits.length > count) {
    exponent++;
    digits = digits.slice(0, count);
  }
  return { digits, exponent };
}

function scientific({ digits, exponent }: Decimal, letter: string): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const sign = exponent < 0 ? '-' : '+';
  return `${digits[0]}${fraction}${letter}${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function plain({ digits, exponent }: Decimal): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function hexadecimal(value: number, places: number, upper: boolean): string {
  let text: string;
  if (value === 0) text = `0x0${places > 0 ? `.${'0'.repeat(places)}` : ''}p+00`;
  else {
    let exponent = Math.floor(Math.log2(value));
    while (value / 2 ** exponent >= 2) exponent++;
    while (value / 2 ** exponent < 1) exponent--;
    // 52 bits of fraction: 13 digits.
    let mantissa = BigInt(Math.round((value / 2 ** exponent) * 2 ** 52));
    let digits = 13;
    if (places >= 0 && places < 13) {
      mantissa = rounded(mantissa, 1n << BigInt(4 * (13 - places)));
      digits = places;
      if (mantissa >> BigInt(4 * digits) > 1n) {
        mantissa >>= 1n;
        exponent++;
      }
    }
    let fraction =
      digits === 0 ? '' : (mantissa & ((1n << BigInt(4 * digits)) - 1n)).toString(16).padStart(digits, '0');
    if (places < 0) fraction = fraction.replace(/0+$/, '');
    else fraction = fraction.padEnd(places, '0');
    const sign = exponent < 0 ? '-' : '+';
    text = `0x1${fraction === '' ? '' : `.${fraction}`}p${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return upper ? text.toUpperCase() : text;
}

/**
 * `format` is one of e E f F g G x X; a `precision` below 0 asks for as many digits as are needed. Infinities are "+Inf"
 * and "-Inf".
 */
export function formatFloat(value: number, format: string, precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + formatPositive(Math.abs(value), format, precision);
}

function formatPositive(value: number, format: string, precision: number): string {
  switch (format) {
    case 'e':
    case 'E':
      return scientific(precision < 0 ? shortest(value) : significant(value, precision + 1), format);
    case 'f':
    case 'F':
      return precision < 0 ? plain(shortest(value)) : fixed(value, precision);
    case 'x':
    case 'X':
      return hexadecimal(value, precision, format === 'X');
    default: {
      const letter = format === 'G' ? 'E' : 'e';
      const count = precision < 0 ? undefined : Math.max(1, precision);
      const decimal = count === undefined ? shortest(value) : significant(value, count);
      const digits = count === undefined ? decimal.digits : decimal.digits.replace(/0+$/, '') || '0';
      // From this exponent on it is written scientifically.
      let limit = count ?? 6;
      if (count !== undefined && limit > digits.length && digits.length >= decimal.exponent + 1)
        limit = digits.length;
      const trimmed = { digits, exponent: decimal.exponent };
      return decimal.exponent < -4 || decimal.exponent >= limit
        ? scientific(trimmed, letter)
        : plain(trimmed);
    }
  }
}
