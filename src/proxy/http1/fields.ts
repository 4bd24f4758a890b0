/** The field lines of a head: scanned, checked and told apart. Hot path: results go into a reused record. */

import { COMPOSED_LIMITS } from '../limits.ts';
import {
  areText,
  CLASS,
  COLON,
  COMMA,
  CR,
  LF,
  latin1,
  SPACE,
  sameLetters,
  sameRange,
  TAB,
  TOKEN,
  textOf,
  VALUE,
} from './bytes.ts';
import { ExpectedNames } from './expected-names.ts';
import { BAD_CODING, BAD_CONNECTION, BAD_FIELD, BAD_LENGTH, HEAD_TOO_LARGE, NEED_MORE } from './refusals.ts';

/** What a scanner may meet. */
export interface HeadLimits {
  readonly maxLine: number;
  readonly maxFields: number;
  readonly maxHead: number;
}

export const OTHER = 0;
export const TE = 1;
export const HOST_FIELD = 2;
export const DATE = 3;
export const UPGRADE = 4;
export const X_REAL_IP = 5;
export const FORWARDED = 6;
export const CONNECTION = 7;
export const KEEP_ALIVE = 8;
export const MAX_FORWARDS = 9;
export const CONTENT_LENGTH = 10;
export const HTTP2_SETTINGS = 11;
export const X_FORWARDED_FOR = 12;
export const PROXY_CONNECTION = 13;
export const X_FORWARDED_HOST = 14;
export const X_FORWARDED_PORT = 15;
export const TRANSFER_ENCODING = 16;
export const X_FORWARDED_PROTO = 17;
export const PROXY_AUTHORIZATION = 18;
export const X_FORWARDED_PREFIX = 19;
export const AUTHORIZATION = 20;
export const ACCEPT_ENCODING = 21;
export const CONTENT_TYPE = 22;
export const CONTENT_ENCODING = 23;
export const VARY = 24;
export const CACHE_CONTROL = 25;
export const ETAG = 26;

const NAMES: readonly string[] = [
  '',
  'te',
  'host',
  'date',
  'upgrade',
  'x-real-ip',
  'forwarded',
  'connection',
  'keep-alive',
  'max-forwards',
  'content-length',
  'http2-settings',
  'x-forwarded-for',
  'proxy-connection',
  'x-forwarded-host',
  'x-forwarded-port',
  'transfer-encoding',
  'x-forwarded-proto',
  'proxy-authorization',
  'x-forwarded-prefix',
  'authorization',
  'accept-encoding',
  'content-type',
  'content-encoding',
  'vary',
  'cache-control',
  'etag',
];
const NAME_BYTES = NAMES.map(latin1);
const LONGEST = 19;

/** Fields that may have a name of this length. */
const BY_LENGTH: readonly (readonly number[])[] = Array.from({ length: LONGEST + 1 }, (_, length) =>
  NAMES.flatMap((name, id) => (id > 0 && name.length === length ? [id] : [])),
);

/** Which known field has this name; `OTHER` for the rest. */
export function fieldOf(bytes: Uint8Array, start: number, length: number): number {
  if (length > LONGEST) return OTHER;
  const candidates = BY_LENGTH[length]!;
  for (let i = 0; i < candidates.length; i++) {
    const id = candidates[i]!;
    if (sameLetters(bytes, start, NAME_BYTES[id]!)) return id;
  }
  return OTHER;
}

const CHUNKED = latin1('chunked');
const CLOSE = latin1('close');
const H2C = latin1('h2c');

/** Fields that a Connection field may not name: without them the message would be framed or addressed differently. */
function isProtected(field: number): boolean {
  return field === HOST_FIELD || field === CONTENT_LENGTH || field === TRANSFER_ENCODING;
}

/** The field lines of one head. One record per worker and direction, filled anew by every scan. */
export class Fields {
  count = 0;
  /** Start of each line; one more than there are lines, so that line i is [start[i], start[i + 1]). */
  readonly start = new Int32Array(COMPOSED_LIMITS.maxFields + 1);
  readonly colon = new Int32Array(COMPOSED_LIMITS.maxFields);
  readonly field = new Uint8Array(COMPOSED_LIMITS.maxFields);
  /** 1: the line is not passed on */
  readonly drop = new Uint8Array(COMPOSED_LIMITS.maxFields);
  /** Bit `1 << field` for every known field that is there. */
  present = 0;
  /** -1: none given */
  contentLength = -1;
  chunked = false;
  close = false;
  keepAlive = false;
  /** Connection has the token "upgrade". */
  upgrade = false;
  /** The Upgrade field lists "h2c", which is not offered to backends. */
  h2c = false;
  /** Trimmed value of the last field looked at. */
  valueStart = 0;
  valueEnd = 0;
  #named = false;
  /** Of the bytes that were scanned last: values are looked at by four bytes at a time. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewed: Uint8Array | undefined;
  readonly #expected = new ExpectedNames();

  has(field: number): boolean {
    return (this.present & (1 << field)) !== 0;
  }

  /** The line of a known field, or -1. */
  find(field: number): number {
    if (!this.has(field)) return -1;
    for (let i = 0; i < this.count; i++) if (this.field[i] === field) return i;
    return -1;
  }

  /** Whether line i has this name, given in lower case. */
  isNamed(bytes: Uint8Array, i: number, name: Uint8Array): boolean {
    const from = this.start[i]!;
    return this.colon[i]! - from === name.length && sameLetters(bytes, from, name);
  }

  /** Drops all lines with this name, given in lower case. For names that are none of the known fields. */
  dropNamed(bytes: Uint8Array, name: Uint8Array): void {
    for (let i = 0; i < this.count; i++) if (this.isNamed(bytes, i, name)) this.drop[i] = 1;
  }

  /** The value of the first line with this name, given in lower case; undefined without one. For names that are none of the known fields. */
  valueOf(bytes: Uint8Array, name: Uint8Array): string | undefined {
    for (let i = 0; i < this.count; i++) {
      if (!this.isNamed(bytes, i, name)) continue;
      this.trim(bytes, i);
      return textOf(bytes, this.valueStart, this.valueEnd);
    }
    return undefined;
  }

  /** Sets `valueStart` and `valueEnd` to the value of line i without the white space around it. */
  trim(bytes: Uint8Array, i: number): void {
    let from = this.colon[i]! + 1;
    let to = this.start[i + 1]! - 2;
    while (from < to && (bytes[from] === SPACE || bytes[from] === TAB)) from++;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
    this.valueStart = from;
    this.valueEnd = to;
  }

  /** Drops every line of a known field. */
  dropAll(field: number): void {
    if (!this.has(field)) return;
    for (let i = 0; i < this.count; i++) if (this.field[i] === field) this.drop[i] = 1;
  }

  /** Drops the lines of a known field that say nothing; where all do, it counts as one that is not there. */
  dropEmpty(bytes: Uint8Array, field: number): void {
    if (!this.has(field)) return;
    let isSaid = false;
    for (let i = 0; i < this.count; i++) {
      if (this.field[i] !== field || this.drop[i] === 1) continue;
      this.trim(bytes, i);
      if (this.valueEnd > this.valueStart) isSaid = true;
      else this.drop[i] = 1;
    }
    if (!isSaid) this.present &= ~(1 << field);
  }

  /**
   * Scans the field lines from `at` up to the empty line. `headStart` is where the head began, for its size limit.
   * Yields the position behind the empty line, NEED_MORE or a refusal. The answer for a prefix of the bytes is
   * NEED_MORE or the same refusal, so the segmentation of the input never matters.
   */
  scan(bytes: Uint8Array, headStart: number, at: number, end: number, limits: HeadLimits): number {
    this.count = 0;
    this.present = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.h2c = false;
    this.#named = false;
    const { maxLine, maxFields } = limits;
    const { start, colon: colons, field: fields, drop } = this;
    const headEnd = headStart + limits.maxHead;
    const view = this.#viewOf(bytes);
    const expected = this.#expected;
    let line = at;
    for (let i = 0; ; i++) {
      const lineMax = Math.min(line + maxLine, headEnd);
      const seen = Math.min(end, lineMax);
      const expectedLength = expected.length(view, line, seen, i);
      let q = line + expectedLength;
      let field = OTHER;
      if (expectedLength > 0) field = expected.field(i);
      else {
        while (q < seen && (CLASS[bytes[q]!]! & TOKEN) !== 0) q++;
        if (q === seen) return seen === lineMax ? HEAD_TOO_LARGE : NEED_MORE;
        if (q === line && bytes[q] === CR) {
          if (q + 1 === seen) return seen === lineMax ? HEAD_TOO_LARGE : NEED_MORE;
          if (bytes[q + 1] !== LF) return BAD_FIELD;
          start[i] = line;
          const problem = this.#named ? this.#dropNamed(bytes) : 0;
          return problem < 0 ? problem : q + 2;
        }
        if (q === line || bytes[q] !== COLON) return BAD_FIELD;
        field = fieldOf(bytes, line, q - line);
        q++;
        expected.learn(view, line, q - line, i, field);
      }
      const colon = q - 1;
      for (const last = seen - 4; q <= last && areText(view.getInt32(q, true)); ) q += 4;
      while (q < seen && (CLASS[bytes[q]!]! & VALUE) !== 0) q++;
      if (q === seen) return seen === lineMax ? HEAD_TOO_LARGE : NEED_MORE;
      if (bytes[q] !== CR) return BAD_FIELD;
      if (q + 1 === seen) return seen === lineMax ? HEAD_TOO_LARGE : NEED_MORE;
      if (bytes[q + 1] !== LF) return BAD_FIELD;
      if (i === maxFields) return HEAD_TOO_LARGE;
      start[i] = line;
      start[i + 1] = q + 2;
      colons[i] = colon;
      fields[i] = field;
      drop[i] = 0;
      this.count = i + 1;
      if (field !== OTHER) {
        const problem = this.#take(bytes, i, field);
        if (problem < 0) return problem;
        this.present |= 1 << field;
      }
      line = q + 2;
    }
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (this.#viewed !== bytes) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.#view;
  }

  #take(bytes: Uint8Array, i: number, field: number): number {
    switch (field) {
      case CONTENT_LENGTH: {
        if (this.contentLength >= 0) return BAD_LENGTH;
        this.trim(bytes, i);
        // 15 digits are exact in a double and more than any disk holds.
        const from = this.valueStart;
        const to = this.valueEnd;
        if (to === from || to - from > 15) return BAD_LENGTH;
        let length = 0;
        for (let p = from; p < to; p++) {
          const digit = bytes[p]! - 48;
          if (digit < 0 || digit > 9) return BAD_LENGTH;
          length = length * 10 + digit;
        }
        this.contentLength = length;
        return 0;
      }
      case TRANSFER_ENCODING:
        if (this.chunked) return BAD_CODING;
        this.trim(bytes, i);
        if (this.valueEnd - this.valueStart !== CHUNKED.length) return BAD_CODING;
        if (!sameLetters(bytes, this.valueStart, CHUNKED)) return BAD_CODING;
        this.chunked = true;
        return 0;
      case CONNECTION:
        this.drop[i] = 1;
        return this.#takeConnection(bytes, i);
      case UPGRADE:
        this.#takeUpgrade(bytes, i);
        return 0;
      case KEEP_ALIVE:
      case PROXY_CONNECTION:
      case PROXY_AUTHORIZATION:
      case TE:
      case HTTP2_SETTINGS:
        this.drop[i] = 1;
        return 0;
      default:
        return 0;
    }
  }

  #takeConnection(bytes: Uint8Array, i: number): number {
    this.trim(bytes, i);
    let p = this.valueStart;
    const to = this.valueEnd;
    while (p < to) {
      const byte = bytes[p]!;
      if (byte === COMMA || byte === SPACE || byte === TAB) {
        p++;
        continue;
      }
      const from = p;
      while (p < to && (CLASS[bytes[p]!]! & TOKEN) !== 0) p++;
      const length = p - from;
      let after = p;
      while (after < to && (bytes[after] === SPACE || bytes[after] === TAB)) after++;
      if (length === 0 || (after < to && bytes[after] !== COMMA)) return BAD_CONNECTION;
      if (length === 5 && sameLetters(bytes, from, CLOSE)) this.close = true;
      else {
        const field = fieldOf(bytes, from, length);
        if (field === KEEP_ALIVE) this.keepAlive = true;
        else if (field === UPGRADE) this.upgrade = true;
        else if (isProtected(field)) return BAD_CONNECTION;
        else this.#named = true;
      }
    }
    return 0;
  }

  #takeUpgrade(bytes: Uint8Array, i: number): void {
    this.drop[i] = 1;
    this.trim(bytes, i);
    for (let p = this.valueStart; p < this.valueEnd; ) {
      let from = p;
      while (p < this.valueEnd && bytes[p] !== COMMA) p++;
      while (from < p && (bytes[from] === SPACE || bytes[from] === TAB)) from++;
      if (p - from >= 3 && sameLetters(bytes, from, H2C) && (CLASS[bytes[from + 3]!]! & TOKEN) === 0)
        this.h2c = true;
      p++;
    }
  }

  /** Drops the fields that a Connection line names (RFC 9110 §7.6.1). Rare: costs lines times names, both bounded. */
  #dropNamed(bytes: Uint8Array): number {
    for (let i = 0; i < this.count; i++) {
      if (this.field[i] !== CONNECTION) continue;
      this.trim(bytes, i);
      for (let p = this.valueStart; p < this.valueEnd; ) {
        const from = p;
        while (p < this.valueEnd && (CLASS[bytes[p]!]! & TOKEN) !== 0) p++;
        if (p === from) p++;
        // Whether it is passed on is not said here: it is what the two of them ask for.
        else if (fieldOf(bytes, from, p - from) !== UPGRADE) this.#dropName(bytes, from, p - from);
      }
    }
    return 0;
  }

  #dropName(bytes: Uint8Array, from: number, length: number): void {
    for (let j = 0; j < this.count; j++) {
      const line = this.start[j]!;
      if (this.colon[j]! - line !== length || !sameRange(bytes, line, from, length)) continue;
      this.drop[j] = 1;
      this.present &= ~(1 << this.field[j]!);
    }
  }
}
