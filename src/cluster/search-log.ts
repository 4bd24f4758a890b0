import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/** A search that takes no longer is no news, in ms. */
const SHORT = 1_000;
/** How often it is told again, in ms: by a node that cannot begin without, and by one that goes on with what it has. */
const AGAIN_AT_START = 10_000;
const AGAIN = 60_000;

/** Says in the log that a server is looked for, where, and why none is found. */
export class SearchLog {
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #hasBegun: () => boolean;
  #tried = new Map<string, string>();
  #since: number;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** `hasBegun`: whether there is a catalog to go on with. */
  constructor({
    logger,
    clock,
    hasBegun,
  }: { logger: Logger; clock: Pick<Clock, 'now'>; hasBegun: () => boolean }) {
    this.#logger = logger;
    this.#clock = clock;
    this.#hasBegun = hasBegun;
    this.#since = clock.now();
  }

  failed(address: string, why: string): void {
    this.#tried.set(address, why);
  }

  /** All that are known were tried. */
  roundEnded(): void {
    const now = this.#clock.now();
    const tried = [...this.#tried].map(([address, why]) => `${address} (${why})`).join(', ');
    this.#tried = new Map();
    if (now - this.#since < SHORT) return;
    const hasBegun = this.#hasBegun();
    if (now - this.#toldAt < (hasBegun ? AGAIN : AGAIN_AT_START)) return;
    this.#toldAt = now;
    const where = {
      tried: tried || 'nothing: give addresses of servers with -retry-join, or with `muster join`',
    };
    if (hasBegun)
      this.#logger.warn(
        'no server can be reached: reads, names and traffic go on with what is known here, writes are refused until one is back',
        where,
      );
    else this.#logger.info('waiting for a server to follow', where);
  }

  found(address: string): void {
    this.#logger.info('following a server', { server: address });
    this.#tried = new Map();
    this.#toldAt = Number.NEGATIVE_INFINITY;
  }

  lost(address: string, why: string): void {
    this.#since = this.#clock.now();
    this.#logger.info('the server that was followed is lost, looking for another', { server: address, why });
  }
}
