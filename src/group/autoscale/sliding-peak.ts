/** Entries that are past are given back in bulk: not one `shift` per value, and never more than half of the list idle. */
const COMPACT = 64;

/** The largest of the values of the last `span` ms. Each value is put in and taken out once: constant time on average. */
export class SlidingPeak {
  readonly #span: number;
  /** Falling values at rising times; what stands in front of `#first` is past. */
  #kept: { at: number; value: number }[] = [];
  #first = 0;

  /** `span` in ms; 0 knows only what was put in at this very time. */
  constructor(span: number) {
    this.#span = span;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#kept = [];
    this.#first = 0;
  }

  /** Takes a value in and answers the peak. Times never fall. */
  push(at: number, value: number): number {
    const kept = this.#kept;
    while (kept.length > this.#first && kept[kept.length - 1]!.value <= value) kept.pop();
    kept.push({ at, value });
    while (kept[this.#first]!.at < at - this.#span) this.#first++;
    if (this.#first > COMPACT && this.#first * 2 > kept.length) {
      this.#kept = kept.slice(this.#first);
      this.#first = 0;
    }
    return this.#kept[this.#first]!.value;
  }
}
