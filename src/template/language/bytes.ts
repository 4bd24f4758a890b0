/**
 * Go's strings are bytes, JavaScript's are UTF-16. A string here holds text; a byte that is no UTF-8 is kept as a lone
 * surrogate (U+DC80 to U+DCFF), so that binary values pass through a template unharmed.
 */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as a string of Go's. */
export function fromBytes(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return fromBrokenBytes(bytes);
  }
}

function fromBrokenBytes(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = sequenceAt(bytes, at);
    if (size === 0) parts.push(String.fromCharCode(0xdc00 + (bytes[at] as number)));
    else parts.push(decoder.decode(bytes.subarray(at, at + size)));
    at += size || 1;
  }
  return parts.join('');
}

/** Length of the UTF-8 sequence that begins at `at`, 0 when there is none. */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const size =
    first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > bytes.length) return 0;
  const second = bytes[at + 1] ?? 0x80;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  for (let i = 1; i < size; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return 0;
  return size;
}

const LONE = /[\ud800-\udfff]/;

/** The bytes of a string. */
export function toBytes(text: string): Uint8Array {
  if (!LONE.test(text)) return Buffer.from(text, 'utf8');
  const parts: Uint8Array[] = [];
  let plain = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0xd800 && code <= 0xdbff && isLow(text.charCodeAt(at + 1))) at++;
    else if (code >= 0xdc80 && code <= 0xdcff) {
      if (at > plain) parts.push(Buffer.from(text.slice(plain, at), 'utf8'));
      parts.push(Uint8Array.of(code - 0xdc00));
      plain = at + 1;
    }
  }
  if (text.length > plain) parts.push(Buffer.from(text.slice(plain), 'utf8'));
  return Buffer.concat(parts);
}

const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

const ASCII = /^[\0-\x7f]*$/;

/** Go's `len` of a string. */
export function byteLength(text: string): number {
  if (ASCII.test(text)) return text.length;
  return LONE.test(text) ? toBytes(text).length : Buffer.byteLength(text, 'utf8');
}

/** Go's `text[from:to]`, in bytes. */
export function byteSlice(text: string, from: number, to: number): string {
  if (ASCII.test(text)) return text.slice(from, to);
  return fromBytes(toBytes(text).subarray(from, to));
}

/** Go's `text[at]`. */
export function byteAt(text: string, at: number): number {
  return (ASCII.test(text) ? text.charCodeAt(at) : toBytes(text)[at]) as number;
}

/** Go's utf8.RuneCountInString. */
export function runeCount(text: string): number {
  if (ASCII.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** A rune as a string, "\uFFFD" for what is none. */
export function runeText(code: number): string {
  return code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
    ? '\ufffd'
    : String.fromCodePoint(code);
}
