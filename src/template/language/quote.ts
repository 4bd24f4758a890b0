/** Quoted strings and characters as Go writes and reads them (its package strconv). */
import { byteLength, fromBytes, runeText, toBytes } from './bytes.ts';

const SHORT: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

export function isPrint(code: number): boolean {
  return code >= 0x20 && code < 0x7f ? true : PRINTABLE.test(String.fromCodePoint(code));
}

const hex = (code: number, width: number): string => code.toString(16).padStart(width, '0');

function escaped(char: string, quote: string, asciiOnly: boolean): string {
  const code = char.codePointAt(0) as number;
  if (char === quote || char === '\\') return `\\${char}`;
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`;
  if (code >= 0xd800 && code <= 0xdfff) return quote === '"' ? '\\ufffd' : '\ufffd';
  if (code < 0x7f ? code >= 0x20 : !asciiOnly && isPrint(code)) return char;
  const short = SHORT[code];
  if (short !== undefined) return short;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** Go's strconv.Quote, or QuoteToASCII. */
export function quote(text: string, asciiOnly = false): string {
  if (PLAIN.test(text)) return `"${text}"`;
  let out = '"';
  for (const char of text) out += escaped(char, '"', asciiOnly);
  return `${out}"`;
}

/** Go's strconv.QuoteRune. */
export function quoteRune(code: number, asciiOnly = false): string {
  return `'${escaped(runeText(code), "'", asciiOnly)}'`;
}

/** Go's strconv.CanBackquote: can it stand between back quotes as it is? */
export function canBackquote(text: string): boolean {
  return !/[`\ufeff\ud800-\udfff]/u.test(text) && !/[^\t\u0080-\u{10ffff} -~]/u.test(text);
}

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };
const ESCAPE = /\\(?:([abfnrtv\\'"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;

/** One character or escape of a literal: its code, whether it is a byte, and where it ends. Undefined: no such thing. */
function readChar(
  body: string,
  at: number,
  quoted: string,
): { code: number; isByte: boolean; end: number } | undefined {
  if (body[at] !== '\\') {
    const code = body.codePointAt(at) as number;
    if (code === quoted.codePointAt(0) || code === 10) return undefined;
    return { code, isByte: false, end: at + (code > 0xffff ? 2 : 1) };
  }
  ESCAPE.lastIndex = at;
  const match = ESCAPE.exec(body);
  if (match === null) return undefined;
  const [whole, simple, octal, byte, short, long] = match;
  const end = at + whole.length;
  if (simple !== undefined) {
    if (simple === "'" || simple === '"')
      return simple === quoted ? { code: simple.charCodeAt(0), isByte: false, end } : undefined;
    return { code: ESCAPES[simple] as number, isByte: false, end };
  }
  if (octal !== undefined || byte !== undefined) {
    const code = octal === undefined ? Number.parseInt(byte as string, 16) : Number.parseInt(octal, 8);
    return code > 255 ? undefined : { code, isByte: true, end };
  }
  const code = Number.parseInt((short ?? long) as string, 16);
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? undefined : { code, isByte: false, end };
}

/** Reads "…" or `…`; undefined when it is no string of Go's. */
export function unquote(literal: string): string | undefined {
  const mark = literal[0];
  const body = literal.slice(1, -1);
  if (literal.length < 2 || literal.at(-1) !== mark) return undefined;
  if (mark === '`') return body.includes('`') ? undefined : body.replaceAll('\r', '');
  if (mark !== '"') return undefined;
  if (!/[\\"\n]/.test(body)) return body;
  // Bytes may be written one by one and be UTF-8 together.
  const parts: Uint8Array[] = [];
  let text = '';
  let sawHighByte = false;
  for (let at = 0; at < body.length; ) {
    const char = readChar(body, at, '"');
    if (char === undefined) return undefined;
    at = char.end;
    if (char.isByte && char.code >= 0x80) {
      sawHighByte = true;
      parts.push(toBytes(text), Uint8Array.of(char.code));
      text = '';
    } else text += String.fromCodePoint(char.code);
  }
  return sawHighByte ? fromBytes(Buffer.concat([...parts, toBytes(text)])) : text;
}

/** Reads 'c': its code, or what is wrong in Go's words. */
export function unquoteRune(literal: string): number | string {
  const char = readChar(literal, 1, "'");
  if (char === undefined || char.end >= literal.length) return 'invalid syntax';
  if (literal.slice(char.end) !== "'") return `malformed character constant: ${literal}`;
  return char.code;
}

/** Length in bytes of the first `length` UTF-16 units of a text. */
export function bytesBefore(text: string, length: number): number {
  return byteLength(text.slice(0, length));
}
