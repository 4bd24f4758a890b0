import type { Logger } from '../../lib/log.ts';
import type { Destination } from './plan.ts';

/** Tells that something does not reach the collector: once until it does again, since one that is away for a day is to fill no log. */
export class Away {
  readonly #what: string;
  readonly #to: Destination;
  readonly #logger: Logger;
  #isAway = false;

  /** `what` is sent, e.g. "spans". */
  constructor(what: string, to: Destination, logger: Logger) {
    this.#what = what;
    this.#to = to;
    this.#logger = logger;
  }

  /** What became of the last request: why it was in vain, or undefined. */
  tell(trouble: string | undefined): void {
    const isAway = trouble !== undefined;
    if (isAway && !this.#isAway)
      this.#logger.warn(
        `${this.#what} do not reach the collector at ${this.#to.url.host}: ${trouble}; trying on`,
      );
    if (!isAway && this.#isAway) this.#logger.info(`the collector takes ${this.#what} again`);
    this.#isAway = isAway;
  }
}
