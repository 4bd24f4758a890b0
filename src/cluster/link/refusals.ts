import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';

/** In ms. */
const ROUND = 60_000;
/** Addresses that are named in the log in one round. */
const MOST_NAMED = 20;

/** Connections that were refused: counted, and told in the log without letting those who make them fill it. */
export class Refusals {
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #named = new Set<string>();
  #since = Number.NEGATIVE_INFINITY;
  #unnamed = 0;
  count = 0;

  constructor(logger: Logger, clock: Pick<Clock, 'now'>) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Each address is named once in a minute, and only so many of them; how many went without mention is told in the next. */
  note(address: string, why: string): void {
    this.count++;
    const now = this.#clock.now();
    if (now - this.#since >= ROUND) {
      if (this.#unnamed > 0)
        this.#logger.warn('more connections were refused than are told one by one', { more: this.#unnamed });
      this.#since = now;
      this.#unnamed = 0;
      this.#named.clear();
    }
    if (this.#named.has(address) || this.#named.size >= MOST_NAMED) {
      this.#unnamed++;
      return;
    }
    this.#named.add(address);
    this.#logger.warn('a connection was refused', { from: address, why });
  }
}
