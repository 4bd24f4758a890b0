/** How a socket on the ring hears of what comes in: one receive at a time, or a poll where bytes are to be passed on. */
import { SLOT_ROOM } from './arena.ts';
import * as kernel from './kernel.ts';
import { CANCELLED, type Loop, RECEIVED, tagOf } from './loop.ts';

/** Reads that are single ones after something was passed on: one that goes on by itself would take in the next body before anybody can say that it is to be passed on. */
const SINGLE_READS = 16;

export class Receiver {
  isPaused = false;
  /** A receive or a poll is under way. */
  isWaiting = false;
  /** Cancels that are under way. */
  cancels = 0;
  readonly #loop: Loop;
  readonly #number: number;
  readonly #generation: number;
  /** Nothing has come since it was asked for. */
  #isFresh = false;
  /** It is a poll. */
  #isPolling = false;
  /** The first read is a single one: many connections end after it, and one that reads cannot simply be closed. */
  #hasReceived = false;
  /** It has filled a whole slot: from then on several are received into at once. That saves a tenth with 200 kB and costs as much with 10 kB. */
  #isBulky = false;
  #singleReads = 0;

  constructor(loop: Loop, number: number, generation: number) {
    this.#loop = loop;
    this.#number = number;
    this.#generation = generation;
  }

  get isIdle(): boolean {
    return !this.isWaiting && !this.isPaused && this.cancels === 0;
  }

  /** Receives, of one that is idle. `first`: how the first read is done. */
  receive(fd: number, first: number): void {
    const { ring, slots } = this.#loop;
    this.isWaiting = this.#isFresh = true;
    let how = first;
    if (this.#hasReceived) {
      how = kernel.RECEIVE_POLL_FIRST;
      // One that goes on by itself may fill many slots before a pause stops it.
      if (this.#singleReads === 0 && !slots.isTight) {
        how |= kernel.RECEIVE_MULTISHOT;
        if (this.#isBulky) how |= kernel.RECEIVE_BUNDLE;
      }
    }
    ring.receive(fd, how, tagOf(this.#number, RECEIVED), this.#generation);
  }

  /** Waits until there is something to receive, of one that is idle. */
  poll(fd: number): void {
    this.isWaiting = this.#isPolling = true;
    this.#loop.ring.poll(fd, kernel.POLLIN, tagOf(this.#number, RECEIVED), this.#generation);
  }

  /** Completed: true when it was a poll. */
  completed(flags: number): boolean {
    if ((flags & kernel.HAS_MORE) === 0) this.isWaiting = false;
    const wasPoll = this.#isPolling;
    this.#isPolling = false;
    return wasPoll;
  }

  /**
   * What came with `flags` was all there was when the receive began. A reset that was there too wakes nobody: the kernel (6.18) takes the bytes,
   * and waits for what has been.
   */
  mayMissReset(flags: number): boolean {
    const mayMiss = this.#isFresh && (flags & kernel.SOCKET_NONEMPTY) === 0;
    if (mayMiss) this.#isFresh = false;
    return mayMiss;
  }

  /** So many bytes were received at once. */
  received(length: number): void {
    this.#hasReceived = true;
    if (this.#singleReads > 0) this.#singleReads--;
    if (length < SLOT_ROOM || this.#isBulky || !this.#loop.ring.hasBundles) return;
    this.#isBulky = true;
    this.stop();
  }

  /** Receives nothing for now: bytes are to be passed on, or nobody wants any. A poll may go on, it takes none. */
  stop(): void {
    if (!this.isWaiting || this.cancels > 0 || this.#isPolling) return;
    this.cancels++;
    const tag = tagOf(this.#number, RECEIVED);
    this.#loop.ring.cancel(tag, this.#generation, tagOf(this.#number, CANCELLED), this.#generation);
  }

  /** Bytes are passed on from now on. */
  stepAside(): void {
    this.#singleReads = SINGLE_READS;
    this.stop();
  }
}
