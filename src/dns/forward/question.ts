import { EDNS_DO, FLAG, HEADER_BYTES, TYPE } from '../../lib/dns/numbers.ts';
import type { Query } from '../../lib/dns/query.ts';

const EDNS_BYTES = 11;
/** Room that we announce: fits in a packet on every path, so that no answer comes in fragments, which can be forged. */
const ROOM = 1232;

/**
 * The question that is sent to others: what was asked, and nothing else that came with it; the asker's network is nobody's
 * business. Its number is filled in when it is sent.
 */
export function questionOf(packet: Uint8Array, query: Query): Buffer {
  const question = Buffer.alloc(query.end + EDNS_BYTES);
  question.writeUInt16BE(FLAG.RD | (query.flags & FLAG.CD), 2);
  question.writeUInt16BE(1, 4);
  question.writeUInt16BE(1, 10);
  for (let at = HEADER_BYTES; at < query.end; at++) question[at] = packet[at] as number;
  lower(question, query.end - 4);
  question.writeUInt16BE(TYPE.OPT, query.end + 1);
  question.writeUInt16BE(ROOM, query.end + 3);
  question.writeUInt16BE(query.ednsFlags & EDNS_DO, query.end + 7);
  return question;
}

/** So that like questions are one, however they are spelled. */
function lower(question: Buffer, end: number): void {
  for (let at = HEADER_BYTES; at < end; ) {
    const next = at + 1 + (question[at] as number);
    for (at++; at < next; at++) {
      const byte = question[at] as number;
      if (byte >= 0x41 && byte <= 0x5a) question[at] = byte | 0x20;
    }
  }
}
