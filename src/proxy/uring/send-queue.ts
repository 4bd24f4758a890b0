/**
 * What a socket on the ring has yet to send: slots, chained through `Slots.next`. One send is under way at a time; what is
 * added meanwhile is gathered by the next.
 */
import { move, put } from '../http1/bytes.ts';
import { SLOT_ROOM, slotAt } from './arena.ts';
import { push } from './calls.ts';
import * as kernel from './kernel.ts';
import type { Loop } from './loop.ts';
import { PORTION } from './pipe.ts';

/** Received bytes from so many on are sent from where they lie; fewer are cheaper to copy behind what waits already. */
const WORTH_QUEUEING = 2_048;
/** Slots in one send: a slow peer shows progress for each. */
const GATHERED = 16;
/** Less at once is not worth a call to a peer that takes little. */
const LEAST_PORTION = 65_536;

/** What follows behind all that is to be sent; whoever asks for more than was asked for before gets it. */
const NOTHING = 0;
const FIN = 1;
/** The FIN has gone out. */
const ENDED = 2;
const CLOSE = 3;

export class SendQueue {
  readonly #loop: Loop;
  #head = -1;
  #tail = -1;
  #length = 0;
  /** Slots at the front that the kernel is sending. */
  #sending = 0;
  /** Bytes that the peer is likely to take at once, by what it took before. */
  #appetite = PORTION;
  /** What did not fill a packet may still wait, because more was to follow. */
  #isHeld = false;
  #behind = NOTHING;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get isSending(): boolean {
    return this.#sending > 0;
  }

  /** The other side has to be held back. */
  get isLong(): boolean {
    return this.#length >= this.#loop.slots.limit;
  }

  /** There is nothing to be done: nothing to send, and nothing behind it. */
  get isDone(): boolean {
    return this.#length === 0 && this.#behind === NOTHING;
  }

  /** The connection is to be closed behind it. */
  get isFinishing(): boolean {
    return this.#behind === CLOSE;
  }

  /** The other side may go on. */
  get isShort(): boolean {
    return this.#length <= this.#loop.slots.limit >> 2;
  }

  /**
   * Adds a range that is not empty: of the arena from where it was received, when that is worth it; else as a copy. False: there
   * was no slot for all of it.
   */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    const loop = this.#loop;
    const { reading } = loop;
    if (
      reading >= 0 &&
      end - start >= WORTH_QUEUEING &&
      bytes === loop.arena.bytes &&
      isWithin(reading, start)
    ) {
      loop.reading = -1;
      loop.slots.queue(reading);
      this.#append(reading, start, end - start);
      return true;
    }
    return this.#copy(bytes, start, end);
  }

  /** How much is to be put into the pipe for `pour`. */
  get appetite(): number {
    return this.#loop.slots.isTight ? LEAST_PORTION : this.#appetite;
  }

  /**
   * Sends what the pipe holds at once, of a queue that is empty; what the peer does not take is added. False: there was no slot for
   * all of it, and it is lost.
   */
  pour(fd: number): boolean {
    const { pipe, slots } = this.#loop;
    const poured = pipe.pour(fd);
    this.#isHeld = false;
    this.#appetite =
      pipe.held === 0 ? Math.min(PORTION, this.#appetite * 2) : Math.max(LEAST_PORTION, poured);
    while (pipe.held > 0) {
      const slot = slots.take();
      const length = slot < 0 ? 0 : pipe.copy(slotAt(slot), SLOT_ROOM);
      if (slot >= 0) this.#append(slot, slotAt(slot), length);
      if (length > 0) continue;
      pipe.discard();
      return false;
    }
    return true;
  }

  /**
   * Sends what is at the front, of a queue that is not empty. `isSlow`: the peer is. `isFollowed`: more is passed on behind it. `tag`: what the
   * completion comes with; then call `sent`.
   */
  send(fd: number, isSlow: boolean, isFollowed: boolean, tag: number, generation: number): void {
    const loop = this.#loop;
    const { slots } = loop;
    const head = this.#head;
    const count = Math.min(this.#length, GATHERED);
    this.#sending = count;
    // What ends it follows in the next turn, and leaves in one packet with this: a packet less is a tenth of a short connection. What is
    // passed on is at hand as a rule; else this is pushed.
    this.#isHeld = isFollowed || (this.#behind !== NOTHING && count === this.#length);
    // To a peer that is slow the kernel reports each part it took: that is how progress shows.
    const flags = (isSlow ? 0 : kernel.MSG_WAITALL) | (this.#isHeld ? kernel.MSG_MORE : 0);
    if (count > 1) loop.sendGathered(fd, head, count, flags, tag, generation);
    else loop.ring.send(fd, loop.arena.low(slots.from[head]!), slots.length[head]!, flags, tag, generation);
  }

  /** A half-close follows behind everything. */
  end(): void {
    if (this.#behind < FIN) this.#behind = FIN;
  }

  /** A close follows behind everything. */
  finish(): void {
    this.#behind = CLOSE;
  }

  /** Does what follows, of a queue that is empty. `hasEnded`: the peer has. True: the connection is to be closed now. */
  settle(fd: number, hasEnded: boolean): boolean {
    if (this.#behind === FIN) {
      this.#behind = ENDED;
      this.#loop.libc.shutdown(fd, kernel.SHUT_WR);
    }
    return this.#behind === CLOSE || (this.#behind === ENDED && hasEnded);
  }

  /** What was to follow does not come yet. */
  push(fd: number): void {
    if (this.#isHeld) push(this.#loop, fd);
    this.#isHeld = false;
  }

  /** The send is done: the kernel took so many bytes; negative: an error, and none. */
  sent(result: number): void {
    const count = this.#sending;
    this.#sending = 0;
    if (result < 0) return;
    const { slots } = this.#loop;
    const { length, from, next } = slots;
    let left = result;
    let slot = this.#head;
    for (let i = 0; i < count && left >= length[slot]!; i++) {
      left -= length[slot]!;
      const behind = next[slot]!;
      slots.free(slot);
      this.#length--;
      slot = behind;
    }
    this.#head = slot;
    if (slot < 0) this.#tail = -1;
    else {
      from[slot]! += left;
      length[slot]! -= left;
    }
  }

  /** Frees everything. Not while a send is under way. */
  discard(): void {
    const { slots } = this.#loop;
    for (let slot = this.#head; slot >= 0; ) {
      const behind = slots.next[slot]!;
      slots.free(slot);
      slot = behind;
    }
    this.#head = this.#tail = -1;
    this.#length = 0;
  }

  /** Copies a range behind what waits already, and into further slots. */
  #copy(bytes: Uint8Array, start: number, end: number): boolean {
    const { slots, arena } = this.#loop;
    let p = start;
    if (this.#length > this.#sending) {
      const tail = this.#tail;
      const at = slots.from[tail]! + slots.length[tail]!;
      const n = Math.min(end - p, slotAt(tail) + SLOT_ROOM - at);
      copy(arena.bytes, bytes, p, p + n, at);
      slots.length[tail]! += n;
      p += n;
    }
    while (p < end) {
      const slot = slots.take();
      if (slot < 0) return false;
      const n = Math.min(end - p, SLOT_ROOM);
      const at = slotAt(slot);
      copy(arena.bytes, bytes, p, p + n, at);
      this.#append(slot, at, n);
      p += n;
    }
    return true;
  }

  #append(slot: number, from: number, length: number): void {
    const { slots } = this.#loop;
    slots.from[slot] = from;
    slots.length[slot] = length;
    slots.next[slot] = -1;
    if (this.#tail >= 0) slots.next[this.#tail] = slot;
    else this.#head = slot;
    this.#tail = slot;
    this.#length++;
  }
}

function isWithin(slot: number, at: number): boolean {
  const begin = slotAt(slot);
  return at >= begin && at < begin + SLOT_ROOM;
}

/** Copies [from, to) of `source`, which may be the arena itself, to `at` of it. */
function copy(arena: Uint8Array, source: Uint8Array, from: number, to: number, at: number): void {
  if (source === arena) move(arena, at, from, to);
  else put(arena, from === 0 && to === source.length ? source : source.subarray(from, to), at);
}
