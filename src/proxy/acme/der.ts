/** As much of DER (X.690) as certificates and requests for them need: written, never read. */

function node(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

export const sequence = (...parts: readonly Uint8Array[]) => node(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]) => node(0x31, ...parts);
export const octets = (content: Uint8Array) => node(0x04, content);
export const bits = (content: Uint8Array) => node(0x03, Buffer.from([0]), content);
export const text = (value: string) => node(0x0c, Buffer.from(value, 'utf8'));
export const yes = () => node(0x01, Buffer.from([0xff]));
/** [number], constructed. */
export const tagged = (number: number, ...parts: readonly Uint8Array[]) => node(0xa0 | number, ...parts);
/** [number], with bytes in it. */
export const tagValue = (number: number, content: Uint8Array) => node(0x80 | number, content);

/** A number that is not negative. */
export function integer(value: number | Uint8Array): Buffer {
  const bytes = typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value);
  return node(0x02, bytes[0]! > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** "1.2.840.10045.4.3.2". */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return node(0x06, Buffer.from(bytes));
}

/** Milliseconds since the epoch, to the second: with two digits for the year until 2049, as RFC 5280 §4.1.2.5 wants it. */
export function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '');
  const isShort = digits < '2050';
  return node(isShort ? 0x17 : 0x18, Buffer.from(isShort ? digits.slice(2) : digits, 'latin1'));
}

export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
