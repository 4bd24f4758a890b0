/**
 * The engine's working memory: one array per worker. A transport reads into [READ, READ + READ_SIZE); messages are
 * put together at OUT and sent from there. One array, so that moving bytes is `copyWithin`: no view, no allocation.
 * Nothing in it lives longer than one call into the engine.
 */
export const READ = 0;
export const READ_SIZE = 65_536;
export const OUT = READ + READ_SIZE;
/** A head (60 kB), what we add to it (twice the longest host, the client's forwarding fields), a read buffer of body, chunk framing. */
const OUT_SIZE = 262_144;
/** A read's worth of data taken out of its chunks, while it is compressed to OUT. */
export const SCRATCH = OUT + OUT_SIZE;
/** Behind it a transport may have memory of its own in the same array: what it reads there is scanned in place. */
export const MEMORY_SIZE = SCRATCH + READ_SIZE;

export function createMemory(): Uint8Array {
  return new Uint8Array(MEMORY_SIZE);
}

/** Views of messages up to this length are made once per length and used again; larger ones are worth a new one. */
const SMALL = 4_096;

/** Views of the first n bytes behind a position, by n. */
export class Prefixes {
  readonly #bytes: Uint8Array;
  readonly #from: number;
  readonly #views: (Uint8Array | undefined)[] = new Array(SMALL + 1).fill(undefined);

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes;
    this.#from = from;
  }

  ofLength(length: number): Uint8Array {
    if (length > SMALL) return this.#bytes.subarray(this.#from, this.#from + length);
    const known = this.#views[length];
    if (known !== undefined) return known;
    const made = this.#bytes.subarray(this.#from, this.#from + length);
    this.#views[length] = made;
    return made;
  }
}

/** Of the memory that was looked at last: messages are put together at OUT. */
let composed: Prefixes | undefined;
let composedIn: Uint8Array | undefined;

/** A view of [start, end), valid until the next call of the same length. */
export function viewOf(memory: Uint8Array, start: number, end: number): Uint8Array {
  if (start !== OUT) return memory.subarray(start, end);
  if (composed === undefined || composedIn !== memory) {
    composed = new Prefixes(memory, OUT);
    composedIn = memory;
  }
  return composed.ofLength(end - start);
}

/** The read area, for a transport that is given a buffer to read into. */
export function readBufferOf(memory: Uint8Array): Buffer {
  return Buffer.from(memory.buffer, READ, READ_SIZE);
}

/** Bytes that came before they could be used: a head in pieces, pipelined requests, early data of an upgrade. */
export class Carry {
  #bytes: Uint8Array | undefined;
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  /** Copies [start, end) of `memory` behind what is there. */
  append(memory: Uint8Array, start: number, end: number): void {
    const n = end - start;
    if (n === 0) return;
    if (this.#bytes === undefined || this.#to + n > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(1_024, (this.length + n) * 2));
      if (this.#bytes !== undefined) grown.set(this.#bytes.subarray(this.#from, this.#to));
      this.#to -= this.#from;
      this.#from = 0;
      this.#bytes = grown;
    }
    this.#bytes.set(memory.subarray(start, end), this.#to);
    this.#to += n;
  }

  /** Copies at most a read buffer's worth to READ; the answer is where it ends. Takes nothing away. */
  load(memory: Uint8Array): number {
    if (this.#bytes === undefined) return READ;
    const n = Math.min(this.length, READ_SIZE);
    memory.set(this.#bytes.subarray(this.#from, this.#from + n), READ);
    return READ + n;
  }

  /** Takes the first n bytes away; an empty carry keeps no memory. */
  skip(n: number): void {
    this.#from += n;
    if (this.#from >= this.#to) this.clear();
  }

  clear(): void {
    this.#bytes = undefined;
    this.#from = this.#to = 0;
  }
}
