/** Waits until changes have come to rest: `min` after the last one, at most `max` after the first. */
import type { Clock } from '../lib/clock.ts';
import type { Wait } from './settings.ts';

export class Quiescence {
  readonly #wait: Wait;
  readonly #clock: Clock;
  readonly #rest: () => void;
  #since: number | undefined;
  #cancel: (() => void) | undefined;

  /** `rest` is called once for each run of changes. */
  constructor(wait: Wait, clock: Clock, rest: () => void) {
    this.#wait = wait;
    this.#clock = clock;
    this.#rest = rest;
  }

  changed(): void {
    const now = this.#clock.now();
    this.#since ??= now;
    this.#cancel?.();
    const left = this.#since + this.#wait.max - now;
    this.#cancel = this.#clock.after(Math.max(0, Math.min(this.#wait.min, left)), () => {
      this.stop();
      this.#rest();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#since = undefined;
  }
}
