/**
 * Token buckets of any number of keys in a table of fixed size, in memory that all workers share. A bucket is one number, the time at
 * which it would be full again (the generic cell rate algorithm, ITU-T I.371), so taking a token is one compare-and-set.
 */

/** So much for one key: `count` in `period` ms, at most `burst` at once. */
export interface Rate {
  readonly count: number;
  readonly period: number;
  readonly burst: number;
}

/** Places a key may be in. */
const WAYS = 8;
/** Keys that have used some of theirs lately. Beyond it the one that has used least is forgotten: who limits must not be who grows. */
const KEYS = 65_536;
const CELLS_EACH = 2;
const NANO = 1_000_000;

export class RateTable {
  readonly shared: SharedArrayBuffer;
  /** What keys are hashed with, so that nobody can choose his to share a bucket with another's. */
  readonly seed: number;
  /** Key and time (ns since the epoch) by turns. */
  readonly #cells: BigInt64Array;
  readonly #sets: number;

  /** `shared`: as `memory` made it, in whatever thread. */
  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#cells = new BigInt64Array(shared);
    this.#sets = (this.#cells.length - 1) / CELLS_EACH / WAYS;
    this.seed = Number(BigInt.asIntN(32, this.#cells[this.#cells.length - 1]!));
  }

  /** `seed`: 32 random bits. Untouched pages of it cost nothing. */
  static memory(seed: number, keys = KEYS): SharedArrayBuffer {
    const cells = Math.ceil(keys / WAYS) * WAYS * CELLS_EACH + 1;
    const shared = new SharedArrayBuffer(cells * BigInt64Array.BYTES_PER_ELEMENT);
    new BigInt64Array(shared)[cells - 1] = BigInt(seed);
    return shared;
  }

  /**
   * Takes a token of the key's bucket. 0 when there was one, else the time (ms, rounded up) until there is. `high` and `low` are the
   * key; `now` in ms since the epoch.
   */
  take(high: number, low: number, { count, period, burst }: Rate, now: number): number {
    const key = (BigInt(high) << 32n) | BigInt(low >>> 0);
    // Whole milliseconds apart from the rest: ns since the epoch are more than a number holds exactly.
    const whole = Math.floor(now);
    const time = BigInt(whole) * BigInt(NANO) + BigInt(Math.round((now - whole) * NANO));
    const each = BigInt(Math.max(1, Math.round((period * NANO) / count)));
    const room = each * BigInt(burst - 1);
    const at = this.#place((low >>> 0) % this.#sets, key === 0n ? 1n : key, time) + 1;
    for (;;) {
      const full = Atomics.load(this.#cells, at);
      const from = full > time ? full : time;
      if (from - time > room) return Math.ceil(Number(from - time - room) / NANO);
      if (Atomics.compareExchange(this.#cells, at, full, from + each) === full) return 0;
    }
  }

  /** The place of a key: its own, or that of one whose bucket is full again, or of the one that is nearest to it. */
  #place(set: number, key: bigint, time: bigint): number {
    const cells = this.#cells;
    const start = set * WAYS * CELLS_EACH;
    for (;;) {
      let least = start;
      for (let at = start; at < start + WAYS * CELLS_EACH; at += CELLS_EACH) {
        if (Atomics.load(cells, at) === key) return at;
        if (Atomics.load(cells, at + 1) < Atomics.load(cells, least + 1)) least = at;
      }
      const old = Atomics.load(cells, least);
      if (Atomics.compareExchange(cells, least, old, key) !== old) continue;
      // Somebody else's debt; of one that is full again nothing is left anyway.
      if (Atomics.load(cells, least + 1) > time) Atomics.store(cells, least + 1, time);
      return least;
    }
  }
}
