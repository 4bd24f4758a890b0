/** Puts heads together for the other side: kept lines are moved, our own added. Hot path: no allocation. */
import { type Handling, PLAIN } from '../../route/handling.ts';
import { unitAt } from '../../route/path-trie.ts';
import { behindDots } from '../../route/resolve-path.ts';
import { AMPERSAND, ASTERISK, latin1, move, put, QUESTION, SLASH, SPACE, writeNumber } from './bytes.ts';
import type { ExtraFields } from './extra-fields.ts';
import {
  CONTENT_LENGTH,
  DATE,
  ETAG,
  type Fields,
  HOST_FIELD,
  MAX_FORWARDS,
  TRANSFER_ENCODING,
  UPGRADE,
} from './fields.ts';
import { Forwarding } from './forwarding.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

const HTTP_11 = latin1(' HTTP/1.1\r\n');
const HOST_NAME = latin1('Host: ');
const MAX_FORWARDS_NAME = latin1('Max-Forwards: ');
const CONNECTION_UPGRADE = latin1('Connection: Upgrade\r\n');
const CONNECTION_CLOSE = latin1('Connection: close\r\n');
const CONNECTION_KEEP = latin1('Connection: keep-alive\r\n');
const VARY_LINE = latin1('Vary: Accept-Encoding\r\n');
const CHUNKED_LINE = latin1('Transfer-Encoding: chunked\r\n');
/** Length of "HTTP/1.1 200". */
const CODE_END = 12;

/** What the client is told of its connection. */
export const SAY_NOTHING = 0;
export const SAY_CLOSE = 1;
export const SAY_KEEP_ALIVE = 2;
export const SAY_UPGRADE = 3;

function putEnd(memory: Uint8Array, at: number): number {
  memory[at] = 13;
  memory[at + 1] = 10;
  return at + 2;
}

/** Moves the lines that are not dropped, neighbours in one go. `from`: where what is to stand in front of them begins. */
function putLines(memory: Uint8Array, fields: Fields, at: number, from = fields.start[0]!): number {
  const { start, drop, count } = fields;
  let out = at;
  let begin = from;
  let i = 0;
  for (;;) {
    while (i < count && drop[i] === 0) i++;
    const end = start[i]!;
    if (end > begin) {
      move(memory, out, begin, end);
      out += end - begin;
    }
    while (i < count && drop[i] === 1) i++;
    if (i === count) return out;
    begin = start[i]!;
  }
}

export interface RequestRewrite {
  handling: Handling;
  /** The Host that the instance is told instead of the client's; empty: the client's. */
  host: Uint8Array;
  /** The port that it names; -1 for none. */
  hostPort: number;
  /** The Host of a request that has none (HTTP/1.0): the instance's own address. */
  fallbackHost: Uint8Array;
  forwarding: Forwarding;
  /** Pass the client's Upgrade on. */
  upgrade: boolean;
  /** Value for Max-Forwards, already counted down; -1: leave it as it is. */
  maxForwards: number;
  /** Configured fields; undefined for none. */
  extras: ExtraFields | undefined;
}

/** Writes the request's head for the backend at `at`; the answer is the position behind it. */
export function composeRequest(
  memory: Uint8Array,
  head: RequestHead,
  at: number,
  rewrite: RequestRewrite,
): number {
  const fields = head.fields;
  const { handling, extras } = rewrite;
  Forwarding.replace(memory, head, handling.strip);
  if (extras !== undefined) extras.replace(memory, fields);
  if (rewrite.maxForwards >= 0) fields.dropAll(MAX_FORWARDS);
  // As nearly all are: the first line stays as it is, and moves together with what follows it.
  let out = staysAsItIs(head, rewrite)
    ? putLines(memory, fields, at, head.start)
    : putLines(memory, fields, putFront(memory, head, at, rewrite));
  if (rewrite.maxForwards >= 0) {
    out = writeNumber(memory, put(memory, MAX_FORWARDS_NAME, out), rewrite.maxForwards);
    out = putEnd(memory, out);
  }
  const { forwarding } = rewrite;
  if (extras !== undefined) out = extras.write(memory, out, forwarding.addressBytes, forwarding.isSecure);
  return putEnd(memory, forwarding.write(memory, head, rewrite, out));
}

/** Whether the request line needs no change and nothing is put behind it. */
function staysAsItIs(head: RequestHead, { handling, host, upgrade }: RequestRewrite): boolean {
  return (
    handling === PLAIN &&
    host.length === 0 &&
    !upgrade &&
    !head.absolute &&
    !head.asterisk &&
    head.minor === 1 &&
    head.hostEnd > head.hostStart &&
    // A path that was resolved is shorter than it was.
    head.fields.start[0] === head.targetEnd + HTTP_11.length
  );
}

/** The request line, and the lines of ours that stand behind it. */
function putFront(memory: Uint8Array, head: RequestHead, at: number, rewrite: RequestRewrite): number {
  const { fields } = head;
  let out = at;
  if (rewrite.handling === PLAIN && !head.absolute && !head.asterisk) {
    move(memory, out, head.start, head.targetEnd);
    out += head.targetEnd - head.start;
  } else {
    move(memory, out, head.start, head.methodEnd + 1);
    out += head.methodEnd + 1 - head.start;
    out = putTarget(memory, head, rewrite.handling, out);
  }
  out = put(memory, HTTP_11, out);
  if (rewrite.host.length > 0) {
    fields.dropAll(HOST_FIELD);
    out = putEnd(memory, put(memory, rewrite.host, put(memory, HOST_NAME, out)));
  } else if (head.absolute) {
    fields.dropAll(HOST_FIELD);
    out = put(memory, HOST_NAME, out);
    move(memory, out, head.hostStart, head.hostEnd);
    out = putEnd(memory, out + head.hostEnd - head.hostStart);
  } else if (head.hostEnd === head.hostStart) {
    out = put(memory, HOST_NAME, out);
    out = putEnd(memory, put(memory, rewrite.fallbackHost, out));
  }
  if (!rewrite.upgrade) return out;
  keepAll(fields, UPGRADE);
  return put(memory, CONNECTION_UPGRADE, out);
}

function putTarget(memory: Uint8Array, head: RequestHead, handling: Handling, at: number): number {
  const { strip, prepend, query } = handling;
  let out = at;
  let from = head.pathStart;
  if (head.asterisk) {
    memory[out] = ASTERISK;
    return out + 1;
  }
  const behind = strip.length === 0 ? -1 : behindPrefix(memory, from, head.pathEnd, strip);
  if (behind >= 0) from = behindDots(memory, behind, head.pathEnd);
  out = put(memory, prepend, out);
  const hasSlash = from < head.pathEnd && memory[from] === SLASH;
  if (!hasSlash && (out === at || memory[out - 1] !== SLASH)) memory[out++] = SLASH;
  else if (hasSlash && out > at && memory[out - 1] === SLASH) from++;
  if (behind < 0) {
    move(memory, out, from, head.pathEnd);
    out += head.pathEnd - from;
  } else out = putUnescapingSlashes(memory, from, head.pathEnd, out);
  if (query.length > 0) {
    memory[out++] = QUESTION;
    out = put(memory, query, out);
    // Behind a "?" of its own the client's query goes on.
    if (head.targetEnd > head.pathEnd + 1) memory[out++] = AMPERSAND;
    else return out;
    move(memory, out, head.pathEnd + 1, head.targetEnd);
    return out + head.targetEnd - head.pathEnd - 1;
  }
  move(memory, out, head.pathEnd, head.targetEnd);
  return out + head.targetEnd - head.pathEnd;
}

/** Where the path goes on behind `prefix`, its escapes compared decoded; -1 when it does not begin so. */
function behindPrefix(memory: Uint8Array, start: number, end: number, prefix: Uint8Array): number {
  let at = start;
  for (let i = 0; i < prefix.length; i++) {
    if (at >= end) return -1;
    const unit = unitAt(memory, at, end, false);
    if ((unit & 0xff) !== prefix[i]) return -1;
    at += unit >>> 8;
  }
  return at;
}

/** Copies a path behind a stripped prefix: as in fabio an escaped slash becomes one. */
function putUnescapingSlashes(memory: Uint8Array, from: number, to: number, at: number): number {
  let out = at;
  for (let p = from; p < to; ) {
    const unit = unitAt(memory, p, to, false);
    const length = unit >>> 8;
    if (length === 3 && (unit & 0xff) !== SLASH) {
      move(memory, out, p, p + 3);
      out += 3;
    } else memory[out++] = unit & 0xff;
    p += length;
  }
  return out;
}

function keepAll(fields: Fields, field: number): void {
  for (let i = 0; i < fields.count; i++) if (fields.field[i] === field) fields.drop[i] = 0;
}

export interface ResponseRewrite {
  /** One of SAY_*. */
  connection: number;
  /** The body is put into chunks by us. */
  addChunked: boolean;
  /** Its chunks are taken out by us, or there must be none. */
  dropChunked: boolean;
  /** A length where there must be none: 1xx and 204 (RFC 9110 §8.6). */
  dropLength: boolean;
  /** A line of its own; empty: none. */
  extra: Uint8Array;
  /** The body is compressed by this; undefined: as it is. */
  compressed: { readonly line: Uint8Array } | undefined;
  /** Say that the answer depends on Accept-Encoding. */
  varies: boolean;
  /** A Date line, for responses without one; empty: none. */
  date: Uint8Array;
}

const OF_OTHER_BYTES = ['accept-ranges', 'content-md5', 'digest', 'content-digest', 'repr-digest'].map(
  latin1,
);

/** Writes the response's head for the client at `at`; the answer is the position behind it. */
export function composeResponse(
  memory: Uint8Array,
  head: ResponseHead,
  at: number,
  rewrite: ResponseRewrite,
): number {
  const fields = head.fields;
  if (rewrite.dropChunked) fields.dropAll(TRANSFER_ENCODING);
  if (rewrite.dropLength) fields.dropAll(CONTENT_LENGTH);
  if (rewrite.connection === SAY_UPGRADE) keepAll(fields, UPGRADE);
  // Of other bytes: what tells versions apart, parts of them, and what they add up to is none of ours any more (RFC 9110 §8.8.1 and §14.3, RFC 9530).
  if (rewrite.compressed !== undefined) {
    fields.dropAll(ETAG);
    for (const name of OF_OTHER_BYTES) fields.dropNamed(memory, name);
  }
  let out = head.lacksSpace
    ? putLines(memory, fields, putStatusLine(memory, head, at))
    : putLines(memory, fields, at, head.start);
  // HTTP/1.1, whatever the instance spoke.
  memory[at + 7] = 49;
  if (rewrite.connection === SAY_CLOSE) out = put(memory, CONNECTION_CLOSE, out);
  else if (rewrite.connection === SAY_KEEP_ALIVE) out = put(memory, CONNECTION_KEEP, out);
  else if (rewrite.connection === SAY_UPGRADE) out = put(memory, CONNECTION_UPGRADE, out);
  if (rewrite.addChunked) out = put(memory, CHUNKED_LINE, out);
  if (rewrite.compressed !== undefined) out = put(memory, rewrite.compressed.line, out);
  if (rewrite.varies) out = put(memory, VARY_LINE, out);
  if (rewrite.extra.length > 0) out = put(memory, rewrite.extra, out);
  if (rewrite.date.length > 0 && !fields.has(DATE)) out = put(memory, rewrite.date, out);
  return putEnd(memory, out);
}

/** The status line of an instance that leaves the space behind the code out, with it. */
function putStatusLine(memory: Uint8Array, { start }: ResponseHead, at: number): number {
  move(memory, at, start, start + CODE_END);
  memory[at + CODE_END] = SPACE;
  return putEnd(memory, at + CODE_END + 1);
}

const HEX_DIGITS = latin1('0123456789abcdef');

/** Bytes that `putChunkSize` takes. */
export const CHUNK_HEAD = 10;

/** A chunk-size line of fixed width; leading zeros are allowed (RFC 9112 §7.1). */
export function putChunkSize(memory: Uint8Array, at: number, size: number): void {
  let rest = size;
  for (let i = at + 7; i >= at; i--) {
    memory[i] = HEX_DIGITS[rest & 15]!;
    rest >>>= 4;
  }
  putEnd(memory, at + 8);
}
