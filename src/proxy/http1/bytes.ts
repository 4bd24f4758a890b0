/** Character classes and comparisons on bytes. Hot path: no strings, no allocation. */

export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const PERCENT = 37;
export const COMMA = 44;
export const DOT = 46;
export const SLASH = 47;
export const COLON = 58;
export const SEMICOLON = 59;
export const QUESTION = 63;
export const AMPERSAND = 38;
export const ASTERISK = 42;

/** token (RFC 9110 §5.6.2) */
export const TOKEN = 1;
/** what a field value may hold: VCHAR, SP, HTAB, obs-text (RFC 9110 §5.5) */
export const VALUE = 2;
/** a request target: no white space, no control characters, no fragment; bytes above 0x7f are let through as they are */
export const TARGET = 4;
/** reg-name of an authority, without the comma that would make it look like a list (RFC 3986 §3.2.2) */
export const HOST = 8;
/** inside the brackets of an IP literal */
export const IP_LITERAL = 16;
export const DIGIT = 32;
export const HEX = 64;

/** Bits of every byte. */
export const CLASS = new Uint8Array(256);

for (let byte = 0; byte < 256; byte++) {
  const char = String.fromCharCode(byte);
  let bits = 0;
  if (byte < 128 && /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char)) bits |= TOKEN;
  if (byte === TAB || (byte >= SPACE && byte !== 127)) bits |= VALUE;
  if (byte > SPACE && byte !== 127 && char !== '#') bits |= TARGET;
  if (byte < 128 && /[A-Za-z0-9\-._~%!$&'()*+;=]/.test(char)) bits |= HOST;
  if (byte < 128 && /[A-Za-z0-9:.\-_~]/.test(char)) bits |= IP_LITERAL;
  if (byte >= 48 && byte <= 57) bits |= DIGIT;
  if (byte < 128 && /[0-9A-Fa-f]/.test(char)) bits |= HEX;
  CLASS[byte] = bits;
}

export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** [start, end) as text, a letter for each byte; "" when there is nothing between them. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(0, end - start)).toString('latin1');
}

/**
 * Whether four bytes at once, as one number, are all what a field value may hold, tabs aside. Exact: a borrow that reaches the next byte
 * comes from one that is refused itself.
 */
export function areText(word: number): boolean {
  // Below a space, or DEL; bytes above 0x7f are let through.
  return (((word - 0x20202020) | ((word ^ 0x7f7f7f7f) - 0x01010101)) & ~word & 0x80808080) === 0;
}

// Taken once: on an array of shared memory V8 looks methods up anew for each call, which takes half as long as a short copy.
const { copyWithin, set } = Uint8Array.prototype;

/** Moves [from, end) to `to`. */
export function move(bytes: Uint8Array, to: number, from: number, end: number): void {
  copyWithin.call(bytes, to, from, end);
}

/** Fewer are written one by one: that is cheaper than a call. */
const FEW = 16;

/** Writes `source` at `at`; the answer is the position behind it. */
export function put(bytes: Uint8Array, source: Uint8Array, at: number): number {
  const { length } = source;
  if (length < FEW) for (let i = 0; i < length; i++) bytes[at + i] = source[i]!;
  else set.call(bytes, source, at);
  return at + length;
}

/** A copy of [start, end). Of a Buffer too, whose own `slice` is a view. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, start, end);
}

/** Whether the bytes at `start` are `lower` (all lower case) but for the case of letters. The caller knows the length. */
export function sameLetters(bytes: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) {
    let byte = bytes[start + i]!;
    if (byte >= 65 && byte <= 90) byte |= 32;
    if (byte !== lower[i]!) return false;
  }
  return true;
}

/** Whether two ranges of the same length are equal but for the case of letters. */
export function sameRange(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    let x = bytes[a + i]!;
    let y = bytes[b + i]!;
    if (x >= 65 && x <= 90) x |= 32;
    if (y >= 65 && y <= 90) y |= 32;
    if (x !== y) return false;
  }
  return true;
}

/** Whether there is a line feed in [start, end). */
export function hasLineEnd(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) if (bytes[p] === LF) return true;
  return false;
}

/** Digits of a whole number, written at `at`; the answer is the position behind them. */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    bytes[i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + digits;
}
