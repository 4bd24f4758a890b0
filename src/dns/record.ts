import { CLASS_IN, QUESTION_POINTER, TYPE } from './wire/numbers.ts';

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

const POINTER = Uint8Array.from([QUESTION_POINTER >> 8, QUESTION_POINTER & 0xff]);

/** Type, class, TTL and data: a record without its owner. */
export function recordBody({ type, ttl, rdata }: DnsRecord): Buffer {
  const bytes = Buffer.alloc(10 + rdata.length);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(CLASS_IN, 2);
  bytes.writeUInt32BE(ttl, 4);
  bytes.writeUInt16BE(rdata.length, 8);
  bytes.set(rdata, 10);
  return bytes;
}

export function recordBytes(record: DnsRecord): Buffer {
  const owner = record.owner === ASKED ? POINTER : record.owner;
  return Buffer.concat([owner, recordBody(record)]);
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
