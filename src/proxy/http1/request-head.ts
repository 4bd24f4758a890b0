/** The head of a request (RFC 9112 §3): start line, Host, framing. Hot path: one reused record, no strings. */
import { resolvePath } from '../../route/resolve-path.ts';
import {
  ASTERISK,
  CLASS,
  COLON,
  CR,
  DIGIT,
  DOT,
  HOST,
  IP_LITERAL,
  LF,
  latin1,
  PERCENT,
  QUESTION,
  SLASH,
  SPACE,
  sameLetters,
  TARGET,
  TOKEN,
} from './bytes.ts';
import { Fields, type HeadLimits, HOST_FIELD, UPGRADE } from './fields.ts';
import {
  BAD_CODING,
  BAD_HOST,
  BAD_START_LINE,
  BAD_TARGET,
  BAD_VERSION,
  NEED_MORE,
  NOT_IMPLEMENTED,
  TARGET_TOO_LONG,
  TWO_FRAMINGS,
} from './refusals.ts';

/** Methods that matter to forwarding; the rest is passed on as it is. */
export const METHOD_OTHER = 0;
export const METHOD_GET = 1;
export const METHOD_HEAD = 2;
export const METHOD_OPTIONS = 3;
const METHOD_CONNECT = 4;
const METHOD_TRACE = 5;

const METHODS: readonly (readonly [number, Uint8Array])[] = [
  [METHOD_GET, latin1('GET')],
  [METHOD_HEAD, latin1('HEAD')],
  [METHOD_OPTIONS, latin1('OPTIONS')],
  [METHOD_CONNECT, latin1('CONNECT')],
  [METHOD_TRACE, latin1('TRACE')],
];

function methodOf(bytes: Uint8Array, start: number, length: number): number {
  for (let i = 0; i < METHODS.length; i++) {
    const entry = METHODS[i]!;
    const name = entry[1];
    if (name.length !== length) continue;
    let j = 0;
    while (j < length && bytes[start + j] === name[j]) j++;
    if (j === length) return entry[0];
  }
  return METHOD_OTHER;
}

const HTTP = latin1('HTTP/');
const SCHEME = latin1('http://');

/** The last digit of %2E or %2F. */
function isEscapedDotOrSlash(digit: number): boolean {
  const lower = digit | 0x20;
  return lower === 0x65 || lower === 0x66;
}

/** What `scan` found; ranges are [start, end) of the scanned bytes. Valid until the next scan. */
export class RequestHead {
  readonly fields = new Fields();
  /** First byte of the method: empty lines in front of it are left out. */
  start = 0;
  /** Behind the empty line. */
  end = 0;
  method = METHOD_OTHER;
  /** 0 or 1: the minor version. */
  minor = 1;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** The target's path without query; "*" for the asterisk form. */
  pathStart = 0;
  pathEnd = 0;
  /** Authority with port; empty when there is none (HTTP/1.0 only). */
  hostStart = 0;
  hostEnd = 0;
  /** -1: no port in the authority */
  port = -1;
  /** The target came as http://host/path: the line has to be written anew, and Host with it. */
  absolute = false;
  /** The target is "*", or an absolute one that stands for it: in the eyes of routes "/", and "*" again for the instance. */
  asterisk = false;
  /** No path to go by: one that is left out, "*", or one that may have dot segments or empty ones, plain or escaped. */
  unresolved = false;

  /** Position behind the head, NEED_MORE, or a refusal (negative). */
  scan(bytes: Uint8Array, from: number, end: number, limits: HeadLimits): number {
    let p = from;
    // One empty line in front is tolerated (RFC 9112 §2.2): old clients send it behind a body.
    if (p < end && bytes[p] === CR) {
      if (p + 1 === end) return NEED_MORE;
      if (bytes[p + 1] !== LF) return BAD_START_LINE;
      p += 2;
    }
    this.start = p;
    const fieldsAt = this.#scanLine(bytes, p, end, limits);
    if (fieldsAt <= 0) return fieldsAt;
    const behind = this.fields.scan(bytes, p, fieldsAt, end, limits);
    if (behind <= 0) return behind;
    this.end = behind;
    return this.#check(bytes);
  }

  #scanLine(bytes: Uint8Array, start: number, end: number, limits: HeadLimits): number {
    const max = start + limits.maxLine;
    const seen = Math.min(end, max);
    let p = start;
    while (p < seen && (CLASS[bytes[p]!]! & TOKEN) !== 0) p++;
    if (p === seen) return seen === max ? TARGET_TOO_LONG : NEED_MORE;
    if (p === start || bytes[p] !== SPACE) return BAD_START_LINE;
    this.methodEnd = p++;
    this.targetStart = p;
    while (p < seen && (CLASS[bytes[p]!]! & TARGET) !== 0) p++;
    if (p === seen) return seen === max ? TARGET_TOO_LONG : NEED_MORE;
    if (p === this.targetStart || bytes[p] !== SPACE) return BAD_START_LINE;
    this.targetEnd = p++;
    // HTTP/1.1 CR LF, judged as far as it is there
    const versionEnd = p + 10;
    for (let i = 0; i < 5 && p + i < end; i++) if (bytes[p + i] !== HTTP[i]) return BAD_START_LINE;
    for (let i = 5; i < 8 && p + i < end; i++) {
      const byte = bytes[p + i]!;
      if (i === 6 ? byte !== 46 : (CLASS[byte]! & DIGIT) === 0) return BAD_START_LINE;
    }
    if (p + 8 < end && bytes[p + 8] !== CR) return BAD_START_LINE;
    if (p + 9 < end && bytes[p + 9] !== LF) return BAD_START_LINE;
    if (versionEnd > end) return NEED_MORE;
    const minor = bytes[p + 7]! - 48;
    if (bytes[p + 5] !== 49 || minor > 1) return BAD_VERSION;
    this.minor = minor;
    this.method = methodOf(bytes, start, this.methodEnd - start);
    return versionEnd;
  }

  #check(bytes: Uint8Array): number {
    const fields = this.fields;
    if (this.method === METHOD_CONNECT || this.method === METHOD_TRACE) return NOT_IMPLEMENTED;
    if (fields.chunked) {
      if (fields.contentLength >= 0) return TWO_FRAMINGS;
      if (this.minor === 0) return BAD_CODING;
    }
    const problem = this.#findHost(bytes);
    if (problem < 0) return problem;
    const target = this.#splitTarget(bytes);
    return target < 0 ? target : this.end;
  }

  #findHost(bytes: Uint8Array): number {
    const fields = this.fields;
    this.hostStart = this.hostEnd = 0;
    this.port = -1;
    let lines = 0;
    for (let i = 0; i < fields.count; i++) {
      if (fields.field[i] !== HOST_FIELD) continue;
      if (++lines > 1) return BAD_HOST;
      fields.trim(bytes, i);
      this.hostStart = fields.valueStart;
      this.hostEnd = fields.valueEnd;
    }
    if (lines === 0) return this.minor === 1 ? BAD_HOST : 0;
    return this.#checkAuthority(bytes, this.hostStart, this.hostEnd);
  }

  /** host [ ":" port ]; http needs a host that is not empty (RFC 9110 §4.2.1). Sets `port`. */
  #checkAuthority(bytes: Uint8Array, from: number, to: number): number {
    let p = from;
    if (p < to && bytes[p] === 91) {
      p++;
      const literal = p;
      while (p < to && (CLASS[bytes[p]!]! & IP_LITERAL) !== 0) p++;
      if (p === literal || p === to || bytes[p] !== 93) return BAD_HOST;
      p++;
    } else {
      while (p < to && (CLASS[bytes[p]!]! & HOST) !== 0) p++;
      if (p === from) return BAD_HOST;
    }
    this.port = -1;
    if (p === to) return 0;
    if (bytes[p] !== COLON || to - p > 6) return BAD_HOST;
    let port = 0;
    for (let i = p + 1; i < to; i++) {
      if ((CLASS[bytes[i]!]! & DIGIT) === 0) return BAD_HOST;
      port = port * 10 + bytes[i]! - 48;
    }
    if (port > 65_535) return BAD_HOST;
    if (to > p + 1) this.port = port;
    return 0;
  }

  #splitTarget(bytes: Uint8Array): number {
    let p = this.targetStart;
    const to = this.targetEnd;
    this.absolute = false;
    this.asterisk = false;
    this.unresolved = false;
    if (bytes[p] === SLASH) this.pathStart = p;
    else if (bytes[p] === ASTERISK && to - p === 1) {
      if (this.method !== METHOD_OPTIONS) return BAD_TARGET;
      this.asterisk = this.unresolved = true;
      this.pathStart = p;
      this.pathEnd = to;
      return 0;
    } else {
      if (to - p <= SCHEME.length || !sameLetters(bytes, p, SCHEME)) return BAD_TARGET;
      p += SCHEME.length;
      const authority = p;
      while (p < to && bytes[p] !== SLASH && bytes[p] !== QUESTION) p++;
      // The target's authority counts, whatever Host says (RFC 9112 §3.2.2).
      if (this.#checkAuthority(bytes, authority, p) < 0) return BAD_TARGET;
      this.hostStart = authority;
      this.hostEnd = p;
      this.pathStart = p;
      this.absolute = true;
      if (p === to || bytes[p] === QUESTION) this.unresolved = true;
      // It is about the server itself (RFC 9112 §3.2.4).
      this.asterisk = p === to && this.method === METHOD_OPTIONS;
    }
    let q = this.pathStart;
    for (; q < to; q++) {
      const byte = bytes[q]!;
      // Letters, as nearly all are, are beyond all that matters here.
      if (byte > QUESTION) continue;
      if (byte === QUESTION) break;
      // Behind the target comes a space: there is always a byte more.
      const next = bytes[q + 1]!;
      if (byte === SLASH) {
        if (next === DOT || next === SLASH) this.unresolved = true;
      } else if (byte === PERCENT && next === 50 && isEscapedDotOrSlash(bytes[q + 2]!))
        this.unresolved = true;
    }
    this.pathEnd = q;
    return 0;
  }

  /** Whether the target has no path of its own, which is "/" then (RFC 9112 §3.2.2). */
  get isPathless(): boolean {
    return this.asterisk || this.pathStart === this.pathEnd;
  }

  /** Puts "/" there, in the scanned bytes: over "*", or behind the authority, which moves back by one. */
  fillPath(bytes: Uint8Array): void {
    if (this.pathStart === this.pathEnd) {
      bytes.copyWithin(this.hostStart - 1, this.hostStart, this.hostEnd);
      this.hostStart--;
      this.hostEnd--;
      this.pathStart--;
    }
    bytes[this.pathStart] = SLASH;
  }

  /** Takes dot segments and empty ones out of the path, in the scanned bytes; the query moves up. */
  resolvePath(bytes: Uint8Array): void {
    const end = resolvePath(bytes, this.pathStart, this.pathEnd);
    if (end === this.pathEnd) return;
    bytes.copyWithin(end, this.pathEnd, this.targetEnd);
    this.targetEnd -= this.pathEnd - end;
    this.pathEnd = end;
  }

  /** Whether the client asks to leave HTTP and we are willing to let it: never for h2c, 1.0 or a request with a body. */
  wantsUpgrade(): boolean {
    const fields = this.fields;
    return fields.upgrade && fields.has(UPGRADE) && !fields.h2c && this.minor === 1 && !this.hasBody();
  }

  hasBody(): boolean {
    return this.fields.chunked || this.fields.contentLength > 0;
  }

  /** Whether the connection ends after this exchange as far as the client says (RFC 9112 §9.3). */
  wantsClose(): boolean {
    return this.fields.close || (this.minor === 0 && !this.fields.keepAlive);
  }
}
