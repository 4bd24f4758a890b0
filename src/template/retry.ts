/** When a file that could not be written is tried again: its folder, the disk or what checks it may be well by then. */
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';

const POLICY: BackoffPolicy = { base: 1_000, max: 60_000 };

export class Retry {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #again: () => void;
  #failures = 0;
  #cancel = () => {};

  /** `random` is in [0, 1). */
  constructor(clock: Clock, random: () => number, again: () => void) {
    this.#clock = clock;
    this.#random = random;
    this.#again = again;
  }

  failed(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(backoffDelay(POLICY, this.#failures++, this.#random()), this.#again);
  }

  /** It went well, or nobody wants it any more. */
  stop(): void {
    this.#cancel();
    this.#failures = 0;
  }
}
