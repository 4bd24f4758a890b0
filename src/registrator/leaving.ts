import type { Clock } from '../lib/clock.ts';

/** Signals that ask a program to end: SIGINT, SIGQUIT, SIGTERM, SIGWINCH (httpd), SIGRTMIN+3 (systemd); SIGKILL asks nothing. */
const ENDING = new Set(['2', '3', '9', '15', '28', '37']);
/** `docker stop` waits for 10 s unless told otherwise. Whoever still runs after this was not meant to end. */
const PATIENCE = 60_000;

/** Containers that were told to end and have not yet: they get no new connections. */
export class Leaving {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  told(id: string, signal: string): void {
    if (ENDING.has(signal)) this.#until.set(id, this.#clock.now() + PATIENCE);
  }

  over(id: string): void {
    this.#until.delete(id);
  }

  has(id: string): boolean {
    const until = this.#until.get(id);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#until.delete(id);
    return false;
  }

  /** Milliseconds until one of them is to be looked at again; infinite when none is. */
  next(): number {
    return Math.min(...this.#until.values()) - this.#clock.now() + 1;
  }
}
