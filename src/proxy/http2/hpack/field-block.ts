/** What a header block says, taken apart: pseudo-header fields, and lines as HTTP/1.1 writes them. Hot path: one reused record. */
import { CLASS, LF, put, textOf, VALUE } from '../../http1/bytes.ts';
import {
  AUTHORITY,
  CONTENT_LENGTH,
  CONTENT_TYPE,
  COOKIE,
  type FieldName,
  HOST,
  KINDS,
  METHOD,
  PATH,
  PROTOCOL,
  SCHEME,
  STATUS,
  TE,
} from './field-name.ts';

/** Room for lines. More than any head may have. */
export const ROOM = 65_536;

const NOTHING = new Uint8Array();
const TRAILERS = 'trailers';
const SLASH = 47;
const BETWEEN_COOKIES = '; ';
/** 15 digits are exact in a double and more than any disk holds. */
const MOST_DIGITS = 15;

export class FieldBlock {
  /** Lines, each with its CRLF, in [0, end). Without Host and what is about one connection; all cookies are in one. */
  readonly lines = new Uint8Array(ROOM);
  end = 0;
  /** -1: none given. */
  contentLength = -1;
  /** Where the line of it begins. */
  #lengthAt = 0;
  /** Not all of it is there: it is larger than any head may be. */
  isTooLarge = false;
  /** The message is not to be passed on (RFC 9113 §8.1.1). */
  isMalformed = false;
  /** Pseudo-header fields by kind, and Host: where they lie. */
  readonly #bytes: Uint8Array[] = new Array<Uint8Array>(KINDS).fill(NOTHING);
  readonly #from = new Int32Array(KINDS);
  readonly #to = new Int32Array(KINDS).fill(-1);
  /** A field that is none of them came. */
  #isBehind = false;
  #cookies: string[] | undefined;
  /** Bytes of cookies: a few in a table can be told a thousand times over in as many bytes. */
  #cookieLength = 0;

  begin(): void {
    this.end = 0;
    this.contentLength = -1;
    this.isTooLarge = false;
    this.isMalformed = false;
    this.#isBehind = false;
    this.#cookies = undefined;
    this.#cookieLength = 0;
    this.#to.fill(-1);
  }

  /** A field whose value is [from, to) of `bytes`, which stay as they are until the block is used up. */
  add(name: FieldName, bytes: Uint8Array, from: number, to: number): void {
    const { kind } = name;
    if (kind >= METHOD) {
      if (this.#isBehind || this.#to[kind] !== -1) this.isMalformed = true;
      this.#place(kind, bytes, from, to);
      return;
    }
    this.#isBehind = true;
    if (kind !== 0 && !this.#takes(kind, bytes, from, to)) return;
    this.#write(name.bytes, bytes, from, to);
  }

  /** The same, for a field of no special kind whose line is known. */
  addLine(line: Uint8Array): void {
    this.#isBehind = true;
    if (this.end + line.length <= ROOM) this.end = put(this.lines, line, this.end);
    else this.isTooLarge = true;
  }

  /** Behind the last field. */
  finish(): void {
    if (this.#cookies === undefined) return;
    const cookies = Buffer.from(this.#cookies.join(BETWEEN_COOKIES), 'latin1');
    this.#write(COOKIE_NAME, cookies, 0, cookies.length);
  }

  /** Takes back how long the body is. */
  dropLength(): void {
    const behind = this.lines.indexOf(LF, this.#lengthAt) + 1;
    this.lines.copyWithin(this.#lengthAt, behind, this.end);
    this.end -= behind - this.#lengthAt;
    this.contentLength = -1;
  }

  /** Whether a field of this kind was given. */
  has(kind: number): boolean {
    return this.#to[kind]! >= 0;
  }

  lengthOf(kind: number): number {
    return Math.max(0, this.#to[kind]! - this.#from[kind]!);
  }

  /** Writes its value at `at` of `out`; the answer is where it ends. */
  put(kind: number, out: Uint8Array, at: number): number {
    const bytes = this.#bytes[kind]!;
    const to = this.#to[kind]!;
    let end = at;
    for (let p = this.#from[kind]!; p < to; p++) out[end++] = bytes[p]!;
    return end;
  }

  /** Whether its value is this text. */
  is(kind: number, text: string): boolean {
    const from = this.#from[kind]!;
    if (this.#to[kind]! - from !== text.length) return false;
    const bytes = this.#bytes[kind]!;
    for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** Of an answer; 0: there is none. */
  get status(): number {
    const from = this.#from[STATUS]!;
    if (this.#to[STATUS]! - from !== 3) return 0;
    const bytes = this.#bytes[STATUS]!;
    let status = 0;
    for (let p = from; p < from + 3; p++) {
      const digit = bytes[p]! - 48;
      if (digit < 0 || digit > 9) return 0;
      status = status * 10 + digit;
    }
    return status;
  }

  /** "" for none. */
  get contentType(): string {
    return this.has(CONTENT_TYPE)
      ? textOf(this.#bytes[CONTENT_TYPE]!, this.#from[CONTENT_TYPE]!, this.#to[CONTENT_TYPE]!)
      : '';
  }

  /** Whether it may stand behind a body: no pseudo-header fields (RFC 9113 §8.1). */
  get isTrailers(): boolean {
    for (let kind = METHOD; kind < KINDS; kind++) if (this.has(kind)) return false;
    return !this.isMalformed && !this.isTooLarge;
  }

  /** Whether it begins an answer (RFC 9113 §8.3.2). */
  get isAnswer(): boolean {
    for (let kind = METHOD; kind < STATUS; kind++) if (this.has(kind)) return false;
    return !this.isMalformed && !this.isTooLarge && this.status >= 100;
  }

  /** Whether it begins a request (RFC 9113 §8.3.1, RFC 8441 §4). */
  get isRequest(): boolean {
    if (this.isMalformed || this.has(STATUS) || !this.#isWord(METHOD)) return false;
    if (this.has(AUTHORITY) && this.lengthOf(AUTHORITY) > 0 && !this.#isWord(AUTHORITY)) return false;
    if (this.is(METHOD, 'CONNECT') && !this.has(PROTOCOL))
      return this.lengthOf(AUTHORITY) > 0 && !this.has(SCHEME) && !this.has(PATH);
    if (this.has(PROTOCOL) && !(this.is(METHOD, 'CONNECT') && this.has(AUTHORITY))) return false;
    return this.has(SCHEME) && this.#isWord(PATH) && this.#isPath();
  }

  /** Which field says whose host is meant. */
  get hostKind(): number {
    return this.lengthOf(AUTHORITY) > 0 ? AUTHORITY : HOST;
  }

  /** CONNECT of RFC 8441: a WebSocket. */
  get isWebSocket(): boolean {
    return this.is(METHOD, 'CONNECT') && this.is(PROTOCOL, 'websocket');
  }

  /** Whether it is of this host, or of none: a whole URL would lead elsewhere than the authority says. */
  #isPath(): boolean {
    return this.#bytes[PATH]![this.#from[PATH]!] === SLASH || this.is(PATH, '*');
  }

  /** Whether its value is there and has no white space in it: in HTTP/1.1 it stands between some. */
  #isWord(kind: number): boolean {
    const bytes = this.#bytes[kind]!;
    const to = this.#to[kind]!;
    for (let p = this.#from[kind]!; p < to; p++) if (bytes[p]! <= 32 || bytes[p] === 127) return false;
    return this.lengthOf(kind) > 0;
  }

  #place(kind: number, bytes: Uint8Array, from: number, to: number): void {
    this.#bytes[kind] = bytes;
    this.#from[kind] = from;
    this.#to[kind] = to;
  }

  /** Whether a field of a special kind is a line of its own. */
  #takes(kind: number, bytes: Uint8Array, from: number, to: number): boolean {
    switch (kind) {
      case COOKIE:
        // One line in HTTP/1.1, however many they were (RFC 9113 §8.2.3).
        this.#cookieLength += to - from + BETWEEN_COOKIES.length;
        if (this.#cookieLength > ROOM) {
          this.isTooLarge = true;
          return false;
        }
        this.#cookies ??= [];
        this.#cookies.push(textOf(bytes, from, to));
        return false;
      case HOST:
        if (this.has(HOST)) this.isMalformed = true;
        this.#place(HOST, bytes, from, to);
        return false;
      case TE:
        if (to - from !== TRAILERS.length || textOf(bytes, from, to).toLowerCase() !== TRAILERS)
          this.isMalformed = true;
        return false;
      case CONTENT_TYPE:
        this.#place(CONTENT_TYPE, bytes, from, to);
        return true;
      case CONTENT_LENGTH:
        this.#takeLength(bytes, from, to);
        return true;
      default:
        this.isMalformed = true;
        return false;
    }
  }

  #takeLength(bytes: Uint8Array, from: number, to: number): void {
    this.#lengthAt = this.end;
    const text = to - from > MOST_DIGITS ? '' : textOf(bytes, from, to);
    if (this.contentLength >= 0 || !/^\d+$/.test(text)) this.isMalformed = true;
    else this.contentLength = Number(text);
  }

  #write(name: Uint8Array, bytes: Uint8Array, from: number, to: number): void {
    const { lines } = this;
    if (this.end + name.length + (to - from) + 4 > ROOM) {
      this.isTooLarge = true;
      return;
    }
    let at = put(lines, name, this.end);
    lines[at++] = 58;
    lines[at++] = 32;
    for (let p = from; p < to; p++) lines[at++] = bytes[p]!;
    lines[at++] = 13;
    lines[at++] = 10;
    this.end = at;
  }
}

const COOKIE_NAME = Buffer.from('cookie');

/** Whether a value may stand in a message: nothing that ends a line or is another control character. */
export function isValue(bytes: Uint8Array, from: number, to: number): boolean {
  for (let p = from; p < to; p++) if ((CLASS[bytes[p]!]! & VALUE) === 0) return false;
  return true;
}
