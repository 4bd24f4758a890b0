/**
 * All memory that the kernel reads and writes behind JavaScript's back, in one range: the engine's working memory, control
 * structures, and the slots that bytes are received into and sent from. The rest of this folder names places in it by
 * their position in `bytes`. It lies within one window of 4 GiB, so that an address is a constant high word and an int32.
 */
import { MusterError } from '../../errors.ts';
import { MEMORY_SIZE } from '../http1/memory.ts';
import type { Estate } from './estate.ts';
import type { Libc } from './libc.ts';

const PAGE = 4_096;
const WINDOW = 2 ** 32;

/**
 * Entries of the ring of receive buffers, 16 bytes each: a power of two. They go round, so that all of them have to fit in the processor's
 * cache: with 256 a body of 200 kB costs a tenth more (decision 23).
 */
export const OFFERS = 64;
export const OFFER_RING = Math.ceil(MEMORY_SIZE / PAGE) * PAGE;
/** Arguments of plain system calls, and the pause of the tick. */
export const SCRATCH = OFFER_RING + OFFERS * 16;
const SCRATCH_SIZE = PAGE;
/** Where accepts put the client's address: 32 bytes for it, 4 for its length. */
const ADDRESSES = SCRATCH + SCRATCH_SIZE;
const ADDRESS_SIZE = 64;
const ADDRESS_COUNT = 4_096;
/** Message headers and vectors of the sends of one turn; the kernel copies them when it takes the entries. */
export const GATHER = ADDRESSES + ADDRESS_SIZE * ADDRESS_COUNT;
export const GATHER_SIZE = 262_144;

/** Slots begin at a huge page. */
const SLOTS_AT = 2 * 1_024 * 1_024;
/** One read or one piece of what is sent. As HAProxy's and nginx's buffers. */
const STRIDE = 16_384;
/** Data of neighbours begins at different cache sets, or a hundred small messages would share eight lines. */
const COLOURS = 16;
const COLOUR = 64;
/** Bytes that a slot holds. */
export const SLOT_ROOM = STRIDE - COLOURS * COLOUR;
/** The kernel counts buffers with 16 bits. 512 MB at most, of which only what was touched is there. */
export const MOST_SLOTS = 32_768;

/** Where a slot's data begins. */
export function slotAt(slot: number): number {
  return SLOTS_AT + slot * STRIDE + (slot % COLOURS) * COLOUR;
}

export class Arena {
  readonly bytes: Uint8Array;
  readonly ints: Int32Array;
  readonly shorts: Uint16Array;
  /** Of every address in it. */
  readonly high: number;
  readonly slots: number;
  readonly #base: number;
  readonly #low: number;
  readonly #libc: Libc;
  readonly #addresses = Array.from(
    { length: ADDRESS_COUNT },
    (_, i) => ADDRESSES + (ADDRESS_COUNT - 1 - i) * ADDRESS_SIZE,
  );

  /** Throws when the system has no such range of addresses left. */
  constructor(libc: Libc, estate: Estate, slots = MOST_SLOTS) {
    const length = SLOTS_AT + slots * STRIDE;
    this.#libc = libc;
    this.slots = slots;
    this.#base = reserveInWindow(libc, length);
    estate.ownRange(this.#base, length);
    this.high = Math.floor(this.#base / WINDOW) | 0;
    this.#low = (this.#base % WINDOW) | 0;
    const memory = libc.view(this.#base, length);
    this.bytes = new Uint8Array(memory);
    this.ints = new Int32Array(memory, 0, SLOTS_AT >> 2);
    this.shorts = new Uint16Array(memory, 0, SLOTS_AT >> 1);
  }

  /** The whole address, for plain system calls. */
  address(at: number): number {
    return this.#base + at;
  }

  /** The low word of an address. */
  low(at: number): number {
    return (this.#low + at) | 0;
  }

  /** Places for addresses, at most `count`. */
  takeAddresses(count: number): number[] {
    return this.#addresses.splice(-count, count);
  }

  giveAddress(place: number): void {
    this.#addresses.push(place);
  }

  /** Lets go of a slot's pages. */
  release(slot: number): void {
    this.#libc.release(this.#base + SLOTS_AT + slot * STRIDE, STRIDE);
  }

  /** Lets go of all of it; the range stays, so that a late access finds zeros. */
  empty(): void {
    this.#libc.release(this.#base, this.bytes.length);
  }
}

function reserveInWindow(libc: Libc, length: number): number {
  const rejected: number[] = [];
  try {
    // Ranges are handed out downwards: of two in a row at most one crosses the border of a window.
    for (let attempt = 0; attempt < 4; attempt++) {
      const base = libc.reserve(length);
      if (base < 0) break;
      if (Math.floor(base / WINDOW) === Math.floor((base + length) / WINDOW)) return base;
      rejected.push(base);
    }
  } finally {
    for (const base of rejected) libc.unmap(base, length);
  }
  throw new MusterError('internal', `no ${length >> 20} MB of addresses for the buffers of a proxy worker`);
}
