/** Names of fields, each looked at once: what it means for a message, and whether it may stand in one. */
import { CLASS, latin1, TOKEN, textOf } from '../../http1/bytes.ts';

/** Passed on as it is. */
export const PLAIN = 0;
/** Takes the whole message with it (RFC 9113 §8.2): no token, upper case, or about one connection. */
export const MALFORMED = 1;
export const COOKIE = 2;
export const HOST = 3;
export const TE = 4;
export const CONTENT_LENGTH = 5;
export const CONTENT_TYPE = 6;
/** From here on pseudo-header fields. */
export const METHOD = 8;
export const SCHEME = 9;
export const PATH = 10;
export const AUTHORITY = 11;
export const PROTOCOL = 12;
export const STATUS = 13;
export const KINDS = 14;

/** Longer names are not remembered. */
const LONGEST = 64;

export interface FieldName {
  readonly bytes: Uint8Array;
  readonly kind: number;
}

const KNOWN: ReadonlyMap<string, number> = new Map([
  ['cookie', COOKIE],
  ['host', HOST],
  ['te', TE],
  ['content-length', CONTENT_LENGTH],
  ['content-type', CONTENT_TYPE],
  [':method', METHOD],
  [':scheme', SCHEME],
  [':path', PATH],
  [':authority', AUTHORITY],
  [':protocol', PROTOCOL],
  [':status', STATUS],
  ['connection', MALFORMED],
  ['keep-alive', MALFORMED],
  ['proxy-connection', MALFORMED],
  ['transfer-encoding', MALFORMED],
  ['upgrade', MALFORMED],
]);

export function nameOf(text: string): FieldName {
  const bytes = latin1(text);
  return { bytes, kind: KNOWN.get(text) ?? (isName(bytes) ? PLAIN : MALFORMED) };
}

/** Names that were looked at last, by hash: peers use the same ones again and again, and some spell them out each time. */
const lately: (FieldName | undefined)[] = new Array<FieldName | undefined>(512).fill(undefined);

/** The same for [from, to) of bytes that are about to change. */
export function nameIn(bytes: Uint8Array, from: number, to: number): FieldName {
  let hash = to - from;
  for (let p = from; p < to; p++) hash = (Math.imul(hash, 31) + bytes[p]!) | 0;
  const slot = hash & (lately.length - 1);
  const last = lately[slot];
  if (last !== undefined && isSame(last.bytes, bytes, from, to)) return last;
  const name = nameOf(textOf(bytes, from, to));
  if (to - from <= LONGEST) lately[slot] = name;
  return name;
}

function isSame(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false;
  return true;
}

function isName(bytes: Uint8Array): boolean {
  for (const byte of bytes) if ((CLASS[byte]! & TOKEN) === 0 || (byte >= 65 && byte <= 90)) return false;
  return bytes.length > 0;
}
