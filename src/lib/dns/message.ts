import { decodeName, encodeLabels, WireError } from './name.ts';
import { FLAG, HEADER_BYTES, MAX_POINTER, TYPE } from './numbers.ts';

/**
 * Whole messages as objects: for asking other servers and for tests. The server's own answers never become
 * objects, see `assemble.ts`.
 */
export interface Question {
  /** Labels as bytes: a label may hold any byte, a dot as well. */
  name: Buffer[];
  type: number;
  class: number;
}

export interface WireRecord {
  name: Buffer[];
  type: number;
  class: number;
  ttl: number;
  /** Names in it are written out, so that the bytes can be understood by themselves. */
  rdata: Buffer;
}

export interface Message {
  id: number;
  /** The header's second word: QR, opcode, AA, TC, RD, RA and rcode. */
  flags: number;
  questions: Question[];
  answers: WireRecord[];
  authority: WireRecord[];
  additional: WireRecord[];
}

/** Throws `WireError` and nothing else, whatever the bytes. Bytes behind the message are not looked at. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < HEADER_BYTES) throw new WireError('a message is shorter than its header');
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const counts = [4, 6, 8, 10].map((at) => view.readUInt16BE(at));
  let at = HEADER_BYTES;
  const questions: Question[] = [];
  for (let i = 0; i < (counts[0] as number); i++) {
    const { labels, next } = decodeName(view, at);
    need(view, next, 4);
    questions.push({ name: labels, type: view.readUInt16BE(next), class: view.readUInt16BE(next + 2) });
    at = next + 4;
  }
  const section = (count: number): WireRecord[] => {
    const records: WireRecord[] = [];
    for (let i = 0; i < count; i++) {
      const { labels, next } = decodeName(view, at);
      need(view, next, 10);
      const type = view.readUInt16BE(next);
      const length = view.readUInt16BE(next + 8);
      need(view, next + 10, length);
      records.push({
        name: labels,
        type,
        class: view.readUInt16BE(next + 2),
        ttl: view.readUInt32BE(next + 4),
        rdata: expandRdata(view, type, next + 10, length),
      });
      at = next + 10 + length;
    }
    return records;
  };
  const [answers, authority, additional] = [section(counts[1]!), section(counts[2]!), section(counts[3]!)];
  return { id: view.readUInt16BE(0), flags: view.readUInt16BE(2), questions, answers, authority, additional };
}

/**
 * Bytes in front of the names in an rdata, how many names follow, and bytes behind them: of all types whose names may be
 * compressed (RFC 3597, 4).
 */
const NAMES_IN: Record<number, { before: number; names: number }> = {
  // MD, MF, MB, MG, MR, MINFO; RP, AFSDB, RT, PX, KX: hardly anybody has them, and whoever has gets them whole.
  3: { before: 0, names: 1 },
  4: { before: 0, names: 1 },
  7: { before: 0, names: 1 },
  8: { before: 0, names: 1 },
  9: { before: 0, names: 1 },
  14: { before: 0, names: 2 },
  17: { before: 0, names: 2 },
  18: { before: 2, names: 1 },
  21: { before: 2, names: 1 },
  26: { before: 2, names: 2 },
  36: { before: 2, names: 1 },
  [TYPE.MX]: { before: 2, names: 1 },
  [TYPE.DNAME]: { before: 0, names: 1 },
  [TYPE.NS]: { before: 0, names: 1 },
  [TYPE.CNAME]: { before: 0, names: 1 },
  [TYPE.PTR]: { before: 0, names: 1 },
  [TYPE.SOA]: { before: 0, names: 2 },
  [TYPE.SRV]: { before: 6, names: 1 },
};

function expandRdata(view: Buffer, type: number, start: number, length: number): Buffer {
  const shape = NAMES_IN[type];
  if (shape === undefined) return Buffer.from(view.subarray(start, start + length));
  const end = start + length;
  const parts = [view.subarray(start, start + shape.before)];
  let at = start + shape.before;
  for (let i = 0; i < shape.names; i++) {
    const { labels, next } = decodeName(view, at);
    if (next > end) throw new WireError('a name runs past its record');
    parts.push(joinLabels(labels));
    at = next;
  }
  parts.push(view.subarray(at, end));
  return Buffer.concat(parts);
}

export function joinLabels(labels: readonly Uint8Array[]): Buffer {
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), label]),
    Buffer.from([0]),
  ]);
}

/** Owner names are compressed, names in an rdata are not (RFC 3597 forbids it for all but the oldest types). */
export function encodeMessage(message: Message): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(message.id, 0);
  header.writeUInt16BE(message.flags, 2);
  const { questions, answers, authority, additional } = message;
  [questions, answers, authority, additional].forEach((list, i) => {
    header.writeUInt16BE(list.length, 4 + 2 * i);
  });
  const parts: Buffer[] = [header];
  const known = new Map<string, number>();
  let at = HEADER_BYTES;
  const add = (part: Buffer) => {
    parts.push(part);
    at += part.length;
  };
  const addName = (labels: readonly Buffer[]) => {
    for (let i = 0; i < labels.length; i++) {
      const suffix = joinLabels(labels.slice(i)).toString('latin1');
      const seen = known.get(suffix);
      if (seen !== undefined) {
        add(Buffer.from([0xc0 | (seen >> 8), seen & 0xff]));
        return;
      }
      if (at <= MAX_POINTER) known.set(suffix, at);
      const label = labels[i] as Buffer;
      add(Buffer.concat([Buffer.from([label.length]), label]));
    }
    add(Buffer.from([0]));
  };
  for (const { name, type, class: klass } of questions) {
    addName(name);
    const rest = Buffer.alloc(4);
    rest.writeUInt16BE(type, 0);
    rest.writeUInt16BE(klass, 2);
    add(rest);
  }
  for (const { name, type, class: klass, ttl, rdata } of [...answers, ...authority, ...additional]) {
    addName(name);
    const rest = Buffer.alloc(10);
    rest.writeUInt16BE(type, 0);
    rest.writeUInt16BE(klass, 2);
    rest.writeUInt32BE(ttl, 4);
    rest.writeUInt16BE(rdata.length, 8);
    add(rest);
    add(rdata);
  }
  return Buffer.concat(parts, at);
}

/** A question for one name, as a stub resolver sends it. Throws `WireError` for what cannot be a name. */
export function encodeQuery(
  labels: readonly string[],
  {
    id,
    type,
    recurse = true,
    ednsBytes,
  }: { id: number; type: number; recurse?: boolean; ednsBytes?: number },
): Buffer {
  const name = encodeLabels(labels);
  if (name === undefined) throw new WireError(`${labels.join('.')} cannot be a name`);
  const additional: WireRecord[] =
    ednsBytes === undefined
      ? []
      : [{ name: [], type: TYPE.OPT, class: ednsBytes, ttl: 0, rdata: Buffer.alloc(0) }];
  return encodeMessage({
    id,
    flags: recurse ? FLAG.RD : 0,
    questions: [{ name: decodeName(name, 0).labels, type, class: 1 }],
    answers: [],
    authority: [],
    additional,
  });
}

function need(view: Uint8Array, at: number, length: number): void {
  if (at + length > view.length) throw new WireError('a record runs past the end');
}
