import { type Clock, steady } from '../lib/clock.ts';

/** One task that waits for its time. `position` is its place in the heap, -1 when it waits no more. */
interface Entry {
  at: number;
  order: number;
  position: number;
  task: () => void;
}

/** Cancels a scheduled task; harmless afterwards. */
export type Cancel = () => void;

/**
 * Many timers on one: a binary heap with a single clock task for the earliest entry, because ten thousand checks
 * with a timer each, re-armed on every heartbeat, cost more than the checks. Adding and cancelling are O(log n).
 * Tasks due at the same time run in the order in which they were added; one that throws is reported.
 */
export class Schedule {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #heap: Entry[] = [];
  #order = 0;
  #armed: { at: number; cancel: () => void } | undefined;

  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = steady(clock);
    this.#onError = onError;
  }

  /** How many tasks wait. */
  get size(): number {
    return this.#heap.length;
  }

  /** Runs `task` once, `ms` from now. */
  after(ms: number, task: () => void): Cancel {
    const entry: Entry = {
      at: this.#clock.now() + Math.max(0, ms),
      order: this.#order++,
      position: this.#heap.length,
      task,
    };
    this.#heap.push(entry);
    this.#up(entry);
    this.#arm();
    return () => this.#remove(entry);
  }

  /** Forgets all tasks. */
  clear(): void {
    for (const entry of this.#heap) entry.position = -1;
    this.#heap.length = 0;
    this.#armed?.cancel();
    this.#armed = undefined;
  }

  #run(): void {
    this.#armed = undefined;
    const now = this.#clock.now();
    // A task that re-adds itself with no delay runs in the next round: a busy task never starves the process.
    const last = this.#order;
    for (;;) {
      const entry = this.#heap[0];
      if (entry === undefined || entry.at > now || entry.order >= last) break;
      this.#remove(entry);
      try {
        entry.task();
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || (this.#armed !== undefined && this.#armed.at <= first.at)) return;
    this.#armed?.cancel();
    const { at } = first;
    // Timers take whole milliseconds and at most 2^31 - 1 of them; waking too early only arms again.
    const wait = Math.min(Math.ceil(at - this.#clock.now()), 0x7fffffff);
    this.#armed = { at, cancel: this.#clock.after(Math.max(0, wait), () => this.#run()) };
  }

  #remove(entry: Entry): void {
    const { position } = entry;
    if (position < 0) return;
    entry.position = -1;
    const last = this.#heap.pop() as Entry;
    if (last === entry) return;
    this.#heap[position] = last;
    last.position = position;
    this.#up(last);
    this.#down(last);
  }

  #up(entry: Entry): void {
    while (entry.position > 0) {
      const parent = this.#heap[(entry.position - 1) >> 1] as Entry;
      if (!isBefore(entry, parent)) return;
      this.#swap(entry, parent);
    }
  }

  #down(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.position + 1];
      const right = this.#heap[2 * entry.position + 2];
      if (left === undefined) return;
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, entry)) return;
      this.#swap(child, entry);
    }
  }

  #swap(a: Entry, b: Entry): void {
    [a.position, b.position] = [b.position, a.position];
    this.#heap[a.position] = a;
    this.#heap[b.position] = b;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
