import { EDNS_DO, FLAG, HEADER_BYTES, MAX_MESSAGE_BYTES, TYPE } from '../../lib/dns/numbers.ts';
import type { Query } from '../../lib/dns/query.ts';
import type { Entry } from './entry.ts';
import { STALE_TTL } from './options.ts';

/** Every answer is put together here and copied out. */
const out = Buffer.alloc(MAX_MESSAGE_BYTES + 64);
const EDNS_BYTES = 11;
/** What we take ourselves, announced to whoever speaks EDNS: fits in a packet on every path. */
const OUR_EDNS_BYTES = 1232;

/**
 * The bytes that answer `packet` from an entry, valid until the next call. Hot path: no allocation but the view that is
 * answered. TTLs are what is left of them; with `isStale`, of an answer that has run out, half a minute. What does not fit into `room` is left out
 * whole, and TC says to come again over TCP.
 */
export function writeEntry(
  entry: Entry,
  packet: Uint8Array,
  query: Query,
  room: number,
  now: number,
  isStale = false,
): Buffer {
  const { bytes, ttlAt, ttls } = entry;
  const hasEdns = query.ednsBytes > 0;
  const length = HEADER_BYTES + bytes.length + (hasEdns ? EDNS_BYTES : 0);
  const isCut = length > room;
  bytes.copy(out, HEADER_BYTES);
  // In the spelling of the asker, who may look for it.
  for (let at = HEADER_BYTES; at < query.end; at++) out[at] = packet[at] as number;
  let at = query.end;
  if (!isCut) {
    const age = entry.fixed ? 0 : Math.floor((now - entry.since) / 1000);
    for (let i = 0; i < ttlAt.length; i++) {
      const left = (ttls[i] as number) - age;
      long(HEADER_BYTES + (ttlAt[i] as number), isStale ? STALE_TTL : left > 0 ? left : 0);
    }
    at = HEADER_BYTES + bytes.length;
  }
  head(query, entry.flags | (isCut ? FLAG.TC : 0));
  word(6, isCut ? 0 : entry.answers);
  word(8, isCut ? 0 : entry.authority);
  word(10, (isCut ? 0 : entry.additional) + (hasEdns ? 1 : 0));
  return out.subarray(0, hasEdns ? edns(query, at) : at);
}

/** Question and response code alone. Valid until the next call. */
export function writeCode(rcode: number, packet: Uint8Array, query: Query): Buffer {
  for (let at = HEADER_BYTES; at < query.end; at++) out[at] = packet[at] as number;
  head(query, rcode);
  word(6, 0);
  word(8, 0);
  const hasEdns = query.ednsBytes > 0;
  word(10, hasEdns ? 1 : 0);
  return out.subarray(0, hasEdns ? edns(query, query.end) : query.end);
}

function head(query: Query, flags: number): void {
  word(0, query.id);
  // AD is of use to those alone who know it (RFC 6840, 5.8).
  const knowsAd = (query.ednsFlags & EDNS_DO) !== 0 || (query.flags & FLAG.AD) !== 0;
  const own = knowsAd ? flags : flags & ~FLAG.AD;
  word(2, FLAG.QR | FLAG.RA | (query.flags & (FLAG.RD | FLAG.CD)) | own);
  word(4, 1);
}

function edns(query: Query, at: number): number {
  out[at] = 0;
  word(at + 1, TYPE.OPT);
  word(at + 3, OUR_EDNS_BYTES);
  out[at + 5] = 0;
  out[at + 6] = 0;
  word(at + 7, query.ednsFlags & EDNS_DO);
  word(at + 9, 0);
  return at + EDNS_BYTES;
}

function word(at: number, value: number): void {
  out[at] = value >> 8;
  out[at + 1] = value & 0xff;
}

function long(at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = (value >>> 16) & 0xff;
  out[at + 2] = (value >>> 8) & 0xff;
  out[at + 3] = value & 0xff;
}
