import {
  decodeMessage,
  encodeMessage,
  joinLabels,
  type Message,
  type WireRecord,
} from '../../lib/dns/message.ts';
import { decodeName, WireError } from '../../lib/dns/name.ts';
import { FLAG, HEADER_BYTES, MAX_MESSAGE_BYTES, RCODE, TYPE } from '../../lib/dns/numbers.ts';

/**
 * An answer of others in our own bytes. Nothing of the original layout is left: it was read as strictly as can be, what does
 * not belong to the question is gone, and it is written anew, without EDNS, which belongs to one exchange.
 */
export interface Entry {
  /** From the question on. Not changed any more. */
  readonly bytes: Buffer;
  /** The second word of the header: response code, AD; without QR, RD, RA. */
  readonly flags: number;
  readonly answers: number;
  readonly authority: number;
  readonly additional: number;
  /** Where each record's TTL stands in `bytes`, and what it was, in seconds. */
  readonly ttlAt: Uint16Array;
  readonly ttls: Uint32Array;
  /** Seconds that it may be kept; 0 for not at all. */
  readonly ttl: number;
  /** When it came and until when it holds, in ms since the epoch. */
  readonly since: number;
  readonly until: number;
  /** TTLs do not run down: what is known here. */
  readonly fixed: boolean;
  /** Being asked for anew. */
  refreshing: boolean;
  /** Asked for since the last look of the cache; how often at all. */
  used: boolean;
  hits: number;
  /** Not asked for again before this (ms since the epoch), after it could not be had. */
  retryAt: number;
}

/** Seconds that answers are kept. */
export interface TtlRules {
  /** Even when others say less: 0. Every second more is one in which a change is not seen. */
  readonly minTtl: number;
  /** A day, as most resolvers have it. */
  readonly maxTtl: number;
  /** "No such name": an hour at most, within what RFC 2308 proposes. */
  readonly maxNegativeTtl: number;
  /** For a "no" that says no TTL itself; 0: not kept. */
  readonly negativeTtl: number;
}

/** Above this a TTL counts as 0 (RFC 2181, 8). */
const MAX_TTL = 0x7fff_ffff;
/** Answers of more records than this help nobody, and cost us. */
const MAX_RECORDS = 2000;
/** Five of four bytes stand behind the two names of a start of authority. */
const SOA_NUMBERS_BYTES = 20;

/** What is in an answer, and where it may not be trusted. */
export interface Reading {
  readonly message: Message;
  /** Every IP address in it, as bytes. */
  readonly addresses: readonly Buffer[];
}

/**
 * Reads an answer. Records in the answer section that are not on the way of
 * aliases from the name are nobody's business and dropped. Throws `WireError` for what is not an answer at all.
 */
export function readAnswer(bytes: Uint8Array): Reading {
  const message = decodeMessage(bytes);
  const [question] = message.questions;
  if (question === undefined || message.questions.length !== 1) throw new WireError('not one question');
  const { answers, authority, additional } = message;
  if (answers.length + authority.length + additional.length > MAX_RECORDS)
    throw new WireError('too many records');
  for (const record of [...answers, ...authority, ...additional]) checkRdata(record);
  // The question had letters in random case, which come back in whatever points to it.
  const name = question.name.map(lowered);
  const asked = keyOf(joinLabels(name));
  // In one spelling, so that they are written as pointers to the question and have that of whoever asks.
  const spelled = answers.map((one) => (keyOf(joinLabels(one.name)) === asked ? { ...one, name } : one));
  const kept = onTheWay(spelled, asked);
  const isOwn = ({ type }: WireRecord) => type !== TYPE.OPT && type !== TYPE.TSIG;
  const clean: Message = {
    ...message,
    questions: [{ ...question, name }],
    answers: kept,
    authority: authority.filter(isOwn).map(spelledAlike),
    additional: additional.filter(isOwn),
  };
  const addresses = [...clean.answers, ...clean.authority, ...clean.additional].flatMap(({ type, rdata }) =>
    type === TYPE.A || type === TYPE.AAAA ? [rdata] : [],
  );
  return { message: clean, addresses };
}

/** Types whose size is fixed: whoever takes them for addresses shall find addresses. */
function checkRdata({ type, rdata }: WireRecord): void {
  if (type === TYPE.A && rdata.length !== 4) throw new WireError('an A record has no 4 bytes');
  if (type === TYPE.AAAA && rdata.length !== 16) throw new WireError('an AAAA record has no 16 bytes');
}

/** The records at the name and at what its aliases lead to. */
function onTheWay(answers: readonly WireRecord[], asked: string): WireRecord[] {
  const owners = answers.map(({ name }) => keyOf(joinLabels(name)));
  // Each alias may stand in front of or behind what it leads to.
  const targets = new Map<string, string[]>();
  for (const [i, { type, rdata }] of answers.entries()) {
    if (type !== TYPE.CNAME) continue;
    const target = keyOf(joinLabels(decodeName(rdata, 0).labels));
    const others = targets.get(owners[i]!);
    if (others === undefined) targets.set(owners[i]!, [target]);
    else others.push(target);
  }
  const names = new Set([asked]);
  // What is added meanwhile is walked, too.
  for (const name of names) for (const target of targets.get(name) ?? []) names.add(target);
  const isOnTheWay = ({ type }: WireRecord, i: number) =>
    names.has(owners[i]!) ||
    // It stands above the name that it renames (RFC 6672), and its signature with it.
    type === TYPE.DNAME ||
    type === TYPE.RRSIG;
  return answers.filter(isOnTheWay);
}

/** A record of the authority with its names in lower case. */
function spelledAlike(record: WireRecord): WireRecord {
  const { name, type, rdata } = record;
  const names = type === TYPE.SOA ? rdata.length - SOA_NUMBERS_BYTES : type === TYPE.NS ? rdata.length : 0;
  // The lengths of labels are below all letters.
  const spelled = Buffer.concat([lowered(rdata.subarray(0, names)), rdata.subarray(names)]);
  return { ...record, name: name.map(lowered), rdata: spelled };
}

function lowered(bytes: Buffer): Buffer {
  return bytes.some(isCapital)
    ? (bytes.map((byte) => (isCapital(byte) ? byte | 0x20 : byte)) as Buffer)
    : bytes;
}

const isCapital = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;

const keyOf = (name: Buffer): string => name.toString('latin1').toLowerCase();

/** Lays an answer out. `now`: ms since the epoch. */
export function entryOf(message: Message, type: number, rules: TtlRules, now: number): Entry {
  const within = (records: readonly WireRecord[]) =>
    records.map((record) => ({ ...record, ttl: ttlOf(record, rules) }));
  const answers = within(message.answers);
  const authority = within(message.authority);
  const additional = within(message.additional);
  const kept: Message = { ...message, answers, authority, additional };
  const rcode = message.flags & 0xf;
  const whole = encodeMessage({ ...kept, id: 0, flags: 0 });
  // Written out, the names in it may take more room than they came in.
  if (whole.length > MAX_MESSAGE_BYTES) throw new WireError('the answer is too large');
  const { at, values } = ttlsIn(whole, answers.length + authority.length + additional.length);
  const ttl = (message.flags & FLAG.TC) !== 0 ? 0 : keptFor(kept, type, rules);
  return {
    bytes: whole.subarray(HEADER_BYTES),
    flags: rcode | (message.flags & FLAG.AD),
    answers: answers.length,
    authority: authority.length,
    additional: additional.length,
    ttlAt: at,
    ttls: values,
    ttl,
    since: now,
    until: now + ttl * 1000,
    fixed: false,
    refreshing: false,
    used: false,
    hits: 0,
    retryAt: 0,
  };
}

/**
 * In place of "no such name", of a name that others know nothing of and that is there all the same: nothing of this type. For how long that
 * holds is still said by the start of authority; proofs that there is no such name, and that these are right, are gone.
 */
export function withoutRecords(message: Message): Message {
  const authority = message.authority.filter(({ type }) => type === TYPE.SOA);
  return { ...message, flags: RCODE.NOERROR, answers: [], authority, additional: [] };
}

/** An answer that is known here: it holds until it is taken away. */
export function fixedEntry(message: Message): Entry {
  const rules: TtlRules = { minTtl: 0, maxTtl: MAX_TTL, maxNegativeTtl: 0, negativeTtl: 0 };
  return { ...entryOf(message, 0, rules, 0), fixed: true, until: Number.POSITIVE_INFINITY };
}

function ttlOf({ ttl }: WireRecord, { minTtl, maxTtl }: TtlRules): number {
  return ttl > MAX_TTL ? 0 : Math.min(Math.max(ttl, minTtl), maxTtl);
}

/** The least TTL of a positive answer; of a negative one what its SOA record allows (RFC 2308, 5). */
function keptFor({ flags, answers, authority }: Message, type: number, rules: TtlRules): number {
  const rcode = flags & 0xf;
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 0;
  const least = Math.min(rules.maxTtl, ...answers.map(({ ttl }) => ttl));
  const isPositive =
    rcode === RCODE.NOERROR && answers.some((record) => record.type === type || type === TYPE.ANY);
  if (isPositive) return least;
  const soa = authority.find((record) => record.type === TYPE.SOA);
  const negative =
    soa === undefined || soa.rdata.length < SOA_NUMBERS_BYTES
      ? rules.negativeTtl
      : Math.min(soa.ttl, soa.rdata.readUInt32BE(soa.rdata.length - 4));
  return Math.min(least, negative, rules.maxNegativeTtl);
}

/** Where the TTLs stand in bytes that are our own. */
function ttlsIn(bytes: Buffer, count: number): { at: Uint16Array; values: Uint32Array } {
  const at = new Uint16Array(count);
  const values = new Uint32Array(count);
  let place = decodeName(bytes, HEADER_BYTES).next + 4;
  for (let record = 0; record < count; record++) {
    place = decodeName(bytes, place).next;
    at[record] = place + 4 - HEADER_BYTES;
    values[record] = bytes.readUInt32BE(place + 4);
    place += 10 + bytes.readUInt16BE(place + 8);
  }
  return { at, values };
}
