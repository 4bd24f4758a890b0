/**
 * The slots of the arena: who has which. Every slot is in one place at a time and each way between places is checked,
 * because the one danger of shared buffers is a slot used twice: it would hand one client's bytes to another.
 */
import { MusterError } from '../../errors.ts';
import { type Arena, OFFER_RING, OFFERS, SLOT_ROOM, slotAt } from './arena.ts';

/** Nobody's. */
const FREE = 0;
/** In the kernel's ring, to be received into. */
const OFFERED = 1;
/** Received into, and being looked at. */
const READ = 2;
/** Holds bytes that are to be sent. */
const QUEUED = 3;
const PLACES = ['free', 'offered', 'read', 'queued'];

/** Slots of one connection that may be waiting to be sent: 200 kB bodies pass without a pause. */
const QUEUE_LIMIT = 24;
/** The same when memory is short. */
const TIGHT_QUEUE_LIMIT = 4;
/** Never offered: what is being answered needs room to be sent from. */
const RESERVED = 256;
/** Free slots that keep their pages; of more, they go back to the system. */
const KEPT = 512;
/** Pages given back in one sweep, of so many slots: 0.5 µs each. */
const RELEASED_AT_ONCE = 2_000;

export class Slots {
  /** What is queued from each slot: where it begins, how long it is, and the slot behind it in its queue (-1: none). */
  readonly from: Int32Array;
  readonly length: Int32Array;
  readonly next: Int32Array;
  readonly #arena: Arena;
  readonly #place: Uint8Array;
  /** Slots by their position in the kernel's ring, and the position of each. */
  readonly #order = new Int32Array(OFFERS);
  readonly #position: Int32Array;
  /** A stack: the slot that was used last is used next, so few are touched. */
  readonly #free: Int32Array;
  #freeCount = 0;
  /** Slots at the bottom of the stack whose pages were given back or never touched. */
  #cold: number;
  /** Entries of the kernel's ring that have no slot, because there was none. */
  #lacking = 0;
  #tail = 0;

  constructor(arena: Arena) {
    const { slots } = arena;
    this.#arena = arena;
    this.from = new Int32Array(slots);
    this.length = new Int32Array(slots);
    this.next = new Int32Array(slots);
    this.#place = new Uint8Array(slots);
    this.#position = new Int32Array(slots);
    this.#free = new Int32Array(slots);
    for (let slot = slots - 1; slot >= 0; slot--) this.#free[this.#freeCount++] = slot;
    this.#cold = this.#freeCount;
    for (let i = 0; i < OFFERS; i++) this.#offer(this.#pop());
    this.commit();
  }

  /** How many slots a connection may queue before the other side has to wait. */
  get limit(): number {
    return this.isTight ? TIGHT_QUEUE_LIMIT : QUEUE_LIMIT;
  }

  /** More than half are in use. */
  get isTight(): boolean {
    return this.#freeCount < this.#place.length >> 1;
  }

  /** The kernel has room to receive into. */
  get isOffering(): boolean {
    return this.#lacking < OFFERS;
  }

  /** A free slot to send from; -1 when there is none. */
  take(): number {
    if (this.#freeCount === 0) return -1;
    const slot = this.#pop();
    this.#move(slot, FREE, QUEUED);
    return slot;
  }

  /** The slot that was offered behind one: what is received at once goes on there. To be asked before that one is offered again. */
  behind(slot: number): number {
    return this.#order[(this.#position[slot]! + 1) & (OFFERS - 1)]!;
  }

  /** It was received into. */
  read(slot: number): void {
    this.#move(slot, OFFERED, READ);
  }

  /** It was read and nothing of it is needed: it is received into again. */
  reoffer(slot: number): void {
    this.#move(slot, READ, FREE);
    this.#offer(slot);
  }

  /** It was read and is to be sent from; another one is offered in its place. */
  queue(slot: number): void {
    this.#move(slot, READ, QUEUED);
    if (this.#freeCount > RESERVED) this.#offer(this.#pop());
    else this.#lacking++;
  }

  /** What it held has been sent, or never will be. */
  free(slot: number): void {
    this.#move(slot, QUEUED, FREE);
    if (this.#lacking > 0 && this.#freeCount >= RESERVED) {
      this.#lacking--;
      this.#offer(slot);
    } else this.#free[this.#freeCount++] = slot;
  }

  /** Shows the kernel what was offered; to be called before it is entered. */
  commit(): void {
    Atomics.store(this.#arena.shorts, (OFFER_RING + 14) >> 1, this.#tail);
  }

  /** Gives pages of slots that are not used back to the system. To be called now and then. */
  trim(): void {
    const until = Math.min(this.#freeCount - KEPT, this.#cold + RELEASED_AT_ONCE);
    for (; this.#cold < until; this.#cold++) this.#arena.release(this.#free[this.#cold]!);
  }

  /** How many slots are in each place; those being read are 0 outside of an event. */
  census(): Readonly<Record<'free' | 'offered' | 'read' | 'queued', number>> {
    const count = { free: 0, offered: 0, read: 0, queued: 0 };
    for (const place of this.#place) count[PLACES[place] as keyof typeof count]++;
    return count;
  }

  #pop(): number {
    const slot = this.#free[--this.#freeCount]!;
    if (this.#freeCount < this.#cold) this.#cold = this.#freeCount;
    return slot;
  }

  #offer(slot: number): void {
    this.#move(slot, FREE, OFFERED);
    const { ints, shorts } = this.#arena;
    const position = this.#tail & (OFFERS - 1);
    this.#order[position] = slot;
    this.#position[slot] = position;
    const at = OFFER_RING + position * 16;
    // struct io_uring_buf; the ring's own tail lies where the first one has two unused bytes
    ints[at >> 2] = this.#arena.low(slotAt(slot));
    ints[(at >> 2) + 1] = this.#arena.high;
    ints[(at >> 2) + 2] = SLOT_ROOM;
    shorts[(at + 12) >> 1] = slot;
    this.#tail = (this.#tail + 1) & 0xffff;
  }

  #move(slot: number, from: number, to: number): void {
    if (this.#place[slot] !== from) throw this.#misplaced(slot, from, to);
    this.#place[slot] = to;
  }

  #misplaced(slot: number, from: number, to: number): MusterError {
    const found = PLACES[this.#place[slot] ?? -1] ?? 'nowhere';
    return new MusterError(
      'internal',
      `buffer ${slot} is ${found}, not ${PLACES[from]}, and cannot become ${PLACES[to]}`,
    );
  }
}
