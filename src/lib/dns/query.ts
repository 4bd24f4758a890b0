import { addressText } from '../ip.ts';
import {
  EDNS_SUBNET,
  FLAG,
  HEADER_BYTES,
  MAX_LABEL_BYTES,
  MAX_NAME_BYTES,
  OPCODE_QUERY,
  PLAIN_UDP_BYTES,
  RCODE,
  TYPE,
} from './numbers.ts';

/** Of a network: family, length of its prefix, scope. Its address follows, as far as it is known. */
const SUBNET_HEAD_BYTES = 4;
const FAMILY_IPV4 = 1;
/** The only one there is. */
const EDNS_VERSION = 0;

/** Nobody waits for an answer: an answer itself, or too short to have an ID. */
export const IGNORE = -1;

/**
 * What a question says. Hot path: one object is filled again for each packet, nothing is allocated but the
 * key.
 */
export interface Query {
  id: number;
  flags: number;
  /**
   * Name in lower case and type, as on the wire, one character for each byte: what answers are kept under.
   * Names that differ in the case of their letters only have the same key.
   */
  key: string;
  type: number;
  /** Where the question ends: name, type and class stand from byte 12 to here. */
  end: number;
  /** Payload size that the asker can take, at least 512 (RFC 6891, 6.2.3), or 0 without EDNS. */
  ednsBytes: number;
  /** Flags of the EDNS record; 0 without one. */
  ednsFlags: number;
  /** Where the asker's network stands that a forwarder named (RFC 7871), and its bytes; 0 bytes for none. */
  subnetAt: number;
  subnetBytes: number;
  /** Address of the asker, or of the network that was named instead. Set before reading. */
  asker: string;
}

export function emptyQuery(): Query {
  return {
    id: 0,
    flags: 0,
    key: '',
    type: 0,
    end: 0,
    ednsBytes: 0,
    ednsFlags: 0,
    subnetAt: 0,
    subnetBytes: 0,
    asker: '',
  };
}

const lowered = Buffer.alloc(MAX_NAME_BYTES + 2);

/**
 * Reads a packet into `query`. Answers NOERROR when there is a question to answer, `IGNORE`, or the code to
 * refuse with. Of RFC 1035 only what askers send: one question, whose name is not compressed.
 */
export function readQuery(bytes: Uint8Array, query: Query): number {
  if (bytes.length < HEADER_BYTES) return IGNORE;
  query.id = word(bytes, 0);
  const flags = word(bytes, 2);
  query.flags = flags;
  query.end = HEADER_BYTES;
  query.ednsBytes = 0;
  query.ednsFlags = 0;
  query.subnetBytes = 0;
  if ((flags & FLAG.QR) !== 0) return IGNORE;
  if (((flags >> 11) & 15) !== OPCODE_QUERY) return RCODE.NOTIMP;
  if (word(bytes, 4) !== 1) return RCODE.FORMERR;

  let at = HEADER_BYTES;
  for (;;) {
    if (at >= bytes.length) return RCODE.FORMERR;
    const length = bytes[at] as number;
    lowered[at - HEADER_BYTES] = length;
    at++;
    if (length === 0) break;
    const end = at + length;
    if (length > MAX_LABEL_BYTES || end - HEADER_BYTES >= MAX_NAME_BYTES || end > bytes.length)
      return RCODE.FORMERR;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      lowered[at - HEADER_BYTES] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    }
  }
  if (at + 4 > bytes.length) return RCODE.FORMERR;
  const nameBytes = at - HEADER_BYTES;
  lowered[nameBytes] = bytes[at] as number;
  lowered[nameBytes + 1] = bytes[at + 1] as number;
  query.key = lowered.toString('latin1', 0, nameBytes + 2);
  query.type = word(bytes, at);
  query.end = at + 4;
  return readOptions(bytes, query);
}

/** Looks for the EDNS record among what follows the question. */
function readOptions(bytes: Uint8Array, query: Query): number {
  const records = word(bytes, 6) + word(bytes, 8) + word(bytes, 10);
  let at = query.end;
  for (let i = 0; i < records; i++) {
    // Counts that promise more than there is do no harm.
    if (at >= bytes.length) return RCODE.NOERROR;
    at = skipName(bytes, at);
    if (at < 0 || at + 10 > bytes.length) return RCODE.FORMERR;
    const end = at + 10 + word(bytes, at + 8);
    if (end > bytes.length) return RCODE.FORMERR;
    if (word(bytes, at) === TYPE.OPT) {
      query.ednsBytes = Math.max(PLAIN_UDP_BYTES, word(bytes, at + 2));
      if (bytes[at + 5] !== EDNS_VERSION) return RCODE.BADVERS;
      query.ednsFlags = word(bytes, at + 6);
      if (end > at + 10) readSubnet(bytes, at + 10, end, query);
    }
    at = end;
  }
  return RCODE.NOERROR;
}

/** Looks for the network among the options between `at` and `end`; what is broken counts as not said. */
function readSubnet(bytes: Uint8Array, at: number, end: number, query: Query): void {
  while (at + 4 <= end) {
    const data = at + 4;
    const length = word(bytes, at + 2);
    if (data + length > end) return;
    at = data + length;
    if (word(bytes, data - 4) !== EDNS_SUBNET || length < SUBNET_HEAD_BYTES) continue;
    const address = new Uint8Array(word(bytes, data) === FAMILY_IPV4 ? 4 : 16);
    const given = bytes.subarray(data + SUBNET_HEAD_BYTES, at);
    if (given.length > address.length) continue;
    address.set(given);
    query.subnetAt = data;
    query.subnetBytes = length;
    query.asker = addressText(address);
    return;
  }
}

/** Where reading goes on behind a name, or -1. */
function skipName(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length) {
    const length = bytes[at] as number;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > MAX_LABEL_BYTES) return -1;
    at += 1 + length;
  }
  return -1;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** The labels of a key, in lower case, each as UTF-8 text. */
export function keyLabels(key: string): string[] {
  const labels: string[] = [];
  for (let at = 0; at < key.length - 2; ) {
    const length = key.charCodeAt(at);
    if (length === 0) break;
    const label = key.slice(at + 1, at + 1 + length);
    labels.push(Buffer.from(label, 'latin1').toString('utf8').toLowerCase());
    at += 1 + length;
  }
  return labels;
}
