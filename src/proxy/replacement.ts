/** Sees to it that a worker that died is replaced, and that the new one listens wherever the others do. */
import { messageOf } from '../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Logger } from '../lib/log.ts';

/** At once the first time, later with a pause: a worker that dies at start must not spin. */
const PAUSES: BackoffPolicy = { base: 100, max: 5_000 };
/** A worker that lived so long (ms) starts the count of deaths anew. */
const STEADY = 10_000;

export interface ReplacementOptions {
  /** Starts a worker; resolves with the first of its listeners' errors. Rejects when it does not live. */
  readonly start: () => Promise<Error | undefined>;
  /** Opens the listeners that workers lack; resolves with the first error. */
  readonly openMissing: () => Promise<Error | undefined>;
  readonly log: Logger;
}

export class Replacement {
  readonly #options: ReplacementOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** In a row, of workers that lived for a short time. */
  #deaths = 0;
  #stopped = false;

  constructor(options: ReplacementOptions) {
    this.#options = options;
  }

  /** A worker is gone that lived for so many ms. */
  died(lived: number): void {
    if (this.#stopped) return;
    this.#deaths = lived > STEADY ? 0 : this.#deaths + 1;
    this.#replace();
  }

  /** Nobody is replaced any more. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #replace(): void {
    const { start, log } = this.#options;
    const delay = this.#deaths === 0 ? 0 : backoffDelay(PAUSES, this.#deaths - 1, Math.random());
    log.error('a proxy worker died; starting another', { delay });
    this.#later(delay, async () => {
      try {
        const failed = await start();
        if (failed !== undefined) this.#retry(failed, 0);
      } catch (error) {
        log.error('a proxy worker could not be started', { error: messageOf(error) });
        this.#deaths++;
        if (!this.#stopped) this.#replace();
      }
    });
  }

  /** The new one lacks a listener: the others work, that one is asked for again and again. */
  #retry(error: Error, attempt: number): void {
    if (this.#stopped) return;
    const { openMissing, log } = this.#options;
    const delay = backoffDelay(PAUSES, attempt, Math.random());
    log.error('a new proxy worker cannot listen everywhere', { error: error.message, delay });
    this.#later(delay, async () => {
      const failed = await openMissing();
      if (failed !== undefined) this.#retry(failed, attempt + 1);
    });
  }

  /** Unless it is stopped before. */
  #later(delay: number, task: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void task();
    }, delay);
    this.#timers.add(timer);
  }
}
