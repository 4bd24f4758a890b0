import { CLASS_IN, QUESTION_POINTER, TYPE } from '../lib/dns/numbers.ts';

/** Whose record it is: bytes of a name, or the name that was asked for. */
export type Owner = Uint8Array | typeof ASKED;
/** Stands for the question's name: two bytes that point to it, and the spelling of the asker. */
export const ASKED = 'asked';

/** A record before it is laid out. `ttl` in seconds. */
export interface DnsRecord {
  owner: Owner;
  type: number;
  ttl: number;
  rdata: Uint8Array;
}

/** Size of a record on the wire. */
export function recordLength({ owner, rdata }: DnsRecord): number {
  return (owner === ASKED ? 2 : owner.length) + 10 + rdata.length;
}

/** Writes a record; answers where it ends. */
function writeRecord({ owner, type, ttl, rdata }: DnsRecord, bytes: Buffer, start: number): number {
  let at = start;
  if (owner === ASKED) {
    at = bytes.writeUInt16BE(QUESTION_POINTER, at);
  } else {
    bytes.set(owner, at);
    at += owner.length;
  }
  at = bytes.writeUInt16BE(type, at);
  at = bytes.writeUInt16BE(CLASS_IN, at);
  at = bytes.writeUInt32BE(ttl, at);
  at = bytes.writeUInt16BE(rdata.length, at);
  bytes.set(rdata, at);
  return at + rdata.length;
}

/** Records one after another, and where each starts; the last number is the end. A view, which is copied from four bytes at a time. */
export function layOut(records: readonly DnsRecord[]): { bytes: DataView; starts: Uint32Array } {
  const starts = new Uint32Array(records.length + 1);
  let total = 0;
  records.forEach((record, i) => {
    starts[i] = total;
    total += recordLength(record);
  });
  starts[records.length] = total;
  const bytes = Buffer.alloc(total);
  records.forEach((record, i) => {
    writeRecord(record, bytes, starts[i] as number);
  });
  return { bytes: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), starts };
}

/** A duration in ms as a TTL, which has 31 bits (RFC 2181, 8). */
export function seconds(ms: number): number {
  return Math.min(Math.max(0, Math.floor(ms / 1000)), 0x7fff_ffff);
}

export function addressRecord(owner: Owner, ttl: number, address: Uint8Array): DnsRecord {
  return { owner, type: address.length === 4 ? TYPE.A : TYPE.AAAA, ttl, rdata: address };
}

/** `target` is a name on the wire. */
export function srvRecord(
  owner: Owner,
  ttl: number,
  { weight, port, target }: { weight: number; port: number; target: Uint8Array },
): DnsRecord {
  const rdata = Buffer.alloc(6 + target.length);
  rdata.writeUInt16BE(1, 0);
  rdata.writeUInt16BE(weight & 0xffff, 2);
  rdata.writeUInt16BE(port & 0xffff, 4);
  rdata.set(target, 6);
  return { owner, type: TYPE.SRV, ttl, rdata };
}

/** One string of text, in pieces of 255 bytes as the format has it. */
export function txtRecord(owner: Owner, ttl: number, text: string): DnsRecord {
  const bytes = Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const piece = bytes.subarray(at, at + 255);
    parts.push(Buffer.from([piece.length]), piece);
  }
  return { owner, type: TYPE.TXT, ttl, rdata: Buffer.concat(parts) };
}

/**
 * The text that stands for an entry of a node's metadata (RFC 1464): key=value, with a backquote before
 * backquotes and, in keys, before equals signs and the spaces at either end. Keys that begin with "rfc1035-"
 * give their value as it is.
 */
export function metaText(key: string, value: string): string {
  if (key.toLowerCase().startsWith('rfc1035-')) return value;
  const name = quoted(key)
    .replaceAll('=', '`=')
    .replace(/^ +| +$/g, (spaces) => '` '.repeat(spaces.length));
  return `${name}=${quoted(value)}`;
}

const quoted = (text: string): string => text.replaceAll('`', '``');
