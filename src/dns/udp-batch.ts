import { endianness } from 'node:os';
import { addressText } from '../lib/ip.ts';
import { loadLibc } from '../proxy/uring/libc.ts';
import type { Responder } from './respond.ts';

/** Packets that are taken, and answers that are sent, with one call. */
const SLOTS = 64;
/** Calls for one turn of the loop: others want theirs, too. */
const ROUNDS = 16;
/** A question is far shorter; of a longer packet the beginning is read, which has all that is asked. */
const QUESTION_BYTES = 2048;
/** A longer answer is sent on its own. */
const ANSWER_BYTES = 4096;

/** `struct mmsghdr` of 64-bit Linux, in words of 32 bits; glibc and musl agree. */
const HEADER = {
  words: 16,
  name: 0,
  nameLength: 2,
  vector: 4,
  vectorLength: 6,

  length: 14,
} as const;
const HEADER_BYTES = HEADER.words * 4;
const VECTOR_BYTES = 16;
/** `struct sockaddr_in6` has 28. */
const NAME_BYTES = 32;
const FAMILY_IPV4 = 2;
const MSG_DONTWAIT = 0x40;
const MAX_ASKERS = 4096;

type Call = (fd: number, vector: number, count: number, flags: number) => number;

/** Sends an answer that comes later, or is too long for a slot. */
export type SendLate = (answer: Buffer, port: number, address: string) => void;

/**
 * Many packets with one system call each way, in memory that is shared with the kernel. Node reads and sends one at a time, at
 * some 4 µs each way; most of that is the way through the runtime.
 */
export class UdpBatch {
  readonly #receive: Call;
  readonly #send: Call;
  readonly #received: number;
  readonly #sent: number;
  readonly #receivedWords: Int32Array;
  readonly #sentWords: Int32Array;
  readonly #vectors: Int32Array;
  readonly #names: DataView;
  readonly #nameBytes: Uint8Array;
  readonly #questions: Buffer;
  readonly #answers: Buffer;
  /** Texts of addresses: most questions come from few. */
  readonly #askers = new Map<number, string>();

  /** Undefined where it cannot be: other systems, or without koffi. */
  static async open(): Promise<UdpBatch | undefined> {
    if (process.platform !== 'linux' || endianness() !== 'LE' || !/^(x64|arm64)$/.test(process.arch))
      return undefined;
    try {
      const { default: koffi } = await import('koffi');
      const own = koffi.load(null);
      const receive = own.func(
        'int recvmmsg(int fd, intptr_t vector, uint count, int flags, intptr_t timeout)',
      ) as unknown as (...given: number[]) => number;
      const send = own.func(
        'int sendmmsg(int fd, intptr_t vector, uint count, int flags)',
      ) as unknown as Call;
      const libc = await loadLibc();
      const bytes = SLOTS * (2 * (HEADER_BYTES + NAME_BYTES + VECTOR_BYTES) + QUESTION_BYTES + ANSWER_BYTES);
      const address = libc.reserve(bytes);
      if (address < 0) return undefined;
      return new UdpBatch(
        (fd, vector, count, flags) => receive(fd, vector, count, flags, 0),
        send,
        address,
        libc.view(address, bytes),
      );
    } catch {
      return undefined;
    }
  }

  private constructor(receive: Call, send: Call, address: number, memory: ArrayBuffer) {
    this.#receive = receive;
    this.#send = send;
    let at = 0;
    const take = (size: number) => {
      const start = at;
      at += size * SLOTS;
      return start;
    };
    const received = take(HEADER_BYTES);
    const sent = take(HEADER_BYTES);
    const vectors = take(2 * VECTOR_BYTES);
    const names = take(2 * NAME_BYTES);
    const questions = take(QUESTION_BYTES);
    const answers = take(ANSWER_BYTES);
    this.#received = address + received;
    this.#sent = address + sent;
    this.#receivedWords = new Int32Array(memory, received, SLOTS * HEADER.words);
    this.#sentWords = new Int32Array(memory, sent, SLOTS * HEADER.words);
    this.#vectors = new Int32Array(memory, vectors, (SLOTS * 2 * VECTOR_BYTES) / 4);
    this.#names = new DataView(memory, names, SLOTS * 2 * NAME_BYTES);
    this.#nameBytes = new Uint8Array(memory, names, SLOTS * 2 * NAME_BYTES);
    this.#questions = Buffer.from(memory, questions, SLOTS * QUESTION_BYTES);
    this.#answers = Buffer.from(memory, answers, SLOTS * ANSWER_BYTES);
    for (let slot = 0; slot < SLOTS; slot++) {
      const lay = (words: Int32Array, vector: number, name: number, data: number, length: number) => {
        const header = slot * HEADER.words;
        pointer(words, header + HEADER.name, name);
        pointer(words, header + HEADER.vector, address + vectors + vector * VECTOR_BYTES);
        pointer(words, header + HEADER.vectorLength, 1);
        pointer(this.#vectors, (vector * VECTOR_BYTES) / 4, data);
        pointer(this.#vectors, (vector * VECTOR_BYTES) / 4 + 2, length);
      };
      lay(
        this.#receivedWords,
        slot,
        address + names + slot * NAME_BYTES,
        address + questions + slot * QUESTION_BYTES,
        QUESTION_BYTES,
      );
      const own = SLOTS + slot;
      lay(
        this.#sentWords,
        own,
        address + names + own * NAME_BYTES,
        address + answers + slot * ANSWER_BYTES,
        0,
      );
    }
  }

  /** Takes what waits on the socket and answers it. Hot path. */
  drain(fd: number, respond: Responder, sendLate: SendLate): void {
    const words = this.#receivedWords;
    for (let round = 0; round < ROUNDS; round++) {
      for (let slot = 0; slot < SLOTS; slot++) words[slot * HEADER.words + HEADER.nameLength] = NAME_BYTES;
      const count = this.#receive(fd, this.#received, SLOTS, MSG_DONTWAIT);
      if (count <= 0) return;
      let answers = 0;
      for (let slot = 0; slot < count; slot++) {
        const header = slot * HEADER.words;
        const start = slot * QUESTION_BYTES;
        const packet = this.#questions.subarray(start, start + (words[header + HEADER.length] as number));
        const port = this.#names.getUint16(slot * NAME_BYTES + 2);
        if (port === 0) continue;
        const asker = this.#askerOf(slot);
        const answer = respond(packet, true, asker);
        if (answer === undefined) continue;
        if (answer instanceof Promise) answer.then((late) => sendLate(late, port, asker));
        else if (answer.length > ANSWER_BYTES) sendLate(Buffer.from(answer), port, asker);
        else this.#add(answers++, slot, answer);
      }
      if (answers > 0) this.#sendAll(fd, answers);
      if (count < SLOTS) return;
    }
  }

  #add(place: number, slot: number, answer: Buffer): void {
    answer.copy(this.#answers, place * ANSWER_BYTES);
    this.#vectors[((SLOTS + place) * VECTOR_BYTES) / 4 + 2] = answer.length;
    const name = slot * NAME_BYTES;
    this.#nameBytes.copyWithin((SLOTS + place) * NAME_BYTES, name, name + NAME_BYTES);
    this.#sentWords[place * HEADER.words + HEADER.nameLength] = this.#receivedWords[
      slot * HEADER.words + HEADER.nameLength
    ] as number;
  }

  /** What the kernel does not take is dropped, as UDP allows; whoever cannot be reached costs the others nothing. */
  #sendAll(fd: number, count: number): void {
    for (let at = 0; at < count; ) {
      const sent = this.#send(fd, this.#sent + at * HEADER_BYTES, count - at, MSG_DONTWAIT);
      at += sent > 0 ? sent : 1;
    }
  }

  #askerOf(slot: number): string {
    const at = slot * NAME_BYTES;
    if (this.#names.getUint16(at, true) !== FAMILY_IPV4)
      return addressText(this.#nameBytes.slice(at + 8, at + 24));
    const number = this.#names.getUint32(at + 4);
    let text = this.#askers.get(number);
    if (text === undefined) {
      if (this.#askers.size >= MAX_ASKERS) this.#askers.clear();
      text = addressText(this.#nameBytes.slice(at + 4, at + 8));
      this.#askers.set(number, text);
    }
    return text;
  }
}

/** 64 bits; addresses of user space are below 2^47. */
function pointer(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = Math.floor(value / 2 ** 32);
}
