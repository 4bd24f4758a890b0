import { compareUtf8, lowerBound } from './order.ts';

/** Keys in one array at most: moving half of it costs less than a microsecond. */
const MOST = 512;

/**
 * Different strings in the order of their UTF-8 bytes, as short arrays one after the other: with 300,000 of them in one array
 * each that comes or goes moved a megabyte.
 */
export class SortedKeys implements Iterable<string> {
  /** None is empty. */
  readonly #runs: string[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** False when it is there already. */
  add(key: string): boolean {
    const last = this.#runs[this.#runs.length - 1];
    // Keys mostly arrive in order (a load from disk, a growing prefix): then no search, and full arrays.
    if (last === undefined || compareUtf8(last[last.length - 1] as string, key) < 0) {
      if (last === undefined || last.length === MOST) this.#runs.push([key]);
      else last.push(key);
      this.#size++;
      return true;
    }
    const at = this.#runFor(key);
    const run = this.#runs[at] as string[];
    const place = lowerBound(run, key);
    if (run[place] === key) return false;
    run.splice(place, 0, key);
    if (run.length > MOST) this.#runs.splice(at + 1, 0, run.splice(MOST / 2));
    this.#size++;
    return true;
  }

  /** False when it is not there. */
  delete(key: string): boolean {
    const at = this.#runFor(key);
    const run = this.#runs[at];
    if (run === undefined) return false;
    const place = lowerBound(run, key);
    if (run[place] !== key) return false;
    if (run.length === 1) this.#runs.splice(at, 1);
    else run.splice(place, 1);
    this.#size--;
    return true;
  }

  *[Symbol.iterator](): Generator<string> {
    for (const run of this.#runs) yield* run;
  }

  /** Those that start with `prefix`. */
  *startingWith(prefix: string): Generator<string> {
    let at = this.#runFor(prefix);
    let place = lowerBound(this.#runs[at] ?? [], prefix);
    for (; at < this.#runs.length; at++, place = 0) {
      const run = this.#runs[at] as string[];
      for (; place < run.length; place++) {
        const key = run[place] as string;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }

  /** Calls `visit` with each, in order; quicker than the iterator. */
  forEach(visit: (key: string) => void): void {
    for (const run of this.#runs) for (const key of run) visit(key);
  }

  /** Index of the first array that ends with `key` or behind it. */
  #runFor(key: string): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle] as string[];
      if (compareUtf8(run[run.length - 1] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
