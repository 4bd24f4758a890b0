/** Completions of a span: some five hundred requests, a few milliseconds of a busy worker. */
const SPAN = 2_048;
/**
 * Of so many spans two are compared, one each way, next to each other: at first, and where a comparison says otherwise than what was known. With
 * each one that agrees it is twice as many, for the dearer way costs something too.
 */
const SHORTEST_PERIOD = 4;
const LONGEST_PERIOD = 64;
/** Longer ones (ms) say more about how much there is to do than about the two ways of doing it. */
const LONGEST = 250;
/** Part of the last comparison in what is known. */
const WEIGHT = 1 / 4;
/** What one comparison says at most, as a logarithm: in one span of a few, others have the core for a while. */
const MOST = 0.3;
/** As a logarithm, of processor time and time together. Anything less is noise. */
const WORTH = Math.log(0.95);

/**
 * Of two ways to do the same, finds out which one costs less, by doing both: now and then a span of completions this way and the next one that
 * way (docs/decisions/0108). Costs are the thread's processor time and the time that passes, for a completion, as a product: what saves the one and takes as much more of
 * the other is no gain. Hot path: two additions for a turn.
 */
export class Trial {
  /** Whether the second way is to be gone now: where it is known to be cheaper, or is looked at. */
  isOn = false;
  readonly #threadTime: () => number;
  #completions = 0;
  #ms = 0;
  /** The thread's time when the span began. */
  #since: number;
  #period = SHORTEST_PERIOD;
  /** Of its period; the first two are compared. */
  #span = 0;
  /** The comparison begins with the second way. */
  #isReversed = false;
  /** Cost of the comparison's first span, as a logarithm. */
  #first = 0;
  /** What the second way costs over the first, as a logarithm: a mean that forgets. */
  #ratio = 0;

  /** `threadTime`: µs of processor time. */
  constructor(threadTime: () => number) {
    this.#threadTime = threadTime;
    this.#since = threadTime();
  }

  /** A turn brought so many completions, `ms` after the one before. */
  came(completions: number, ms: number): void {
    this.#completions += completions;
    this.#ms += ms;
    if (this.#completions >= SPAN) this.#nextSpan();
  }

  #nextSpan(): void {
    const now = this.#threadTime();
    // A span takes some time, whatever a coarse clock says.
    const cost = Math.log(((now - this.#since + 1) * (this.#ms + 0.001)) / this.#completions ** 2);
    if (this.#ms > LONGEST) this.#span = -1;
    else if (this.#span === 0) this.#first = cost;
    else if (this.#span === 1) this.#compared(this.#isReversed ? this.#first - cost : cost - this.#first);
    this.#span = (this.#span + 1) % this.#period;
    if (this.#span === 0) this.#isReversed = !this.#isReversed;
    if (this.#span > 1) this.isOn = this.#ratio < WORTH;
    else this.isOn = this.#isReversed === (this.#span === 0);
    this.#completions = 0;
    this.#ms = 0;
    this.#since = now;
  }

  #compared(ratio: number): void {
    this.#ratio += WEIGHT * (Math.min(Math.max(ratio, -MOST), MOST) - this.#ratio);
    const agrees = ratio < WORTH === this.#ratio < WORTH;
    this.#period = agrees ? Math.min(2 * this.#period, LONGEST_PERIOD) : SHORTEST_PERIOD;
  }
}
