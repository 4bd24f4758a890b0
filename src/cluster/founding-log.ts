import type { Clock } from '../lib/clock.ts';
import type { LogFields, Logger } from '../lib/log.ts';
import type { Refusal } from './founding.ts';
import { FIRST_ANSWERS, type Gossip } from './gossip.ts';
import { WAIT_LOG } from './own-store.ts';

export interface FoundingLogOptions {
  /** Of this server. */
  name: string;
  /** So many found the cluster together; 0: this one founds none. */
  expect: number;
  gossip: Pick<Gossip, 'reachable' | 'unreachable'>;
  clock: Pick<Clock, 'now'>;
  logger: Logger;
}

/** Says in the log, now and then, for whom a server waits that is a part of no cluster yet, and what keeps it from being one. */
export class FoundingLog {
  readonly #options: FoundingLogOptions;
  #toldAt: number;
  /** For how many lines in a row it was refused. */
  #refusals = 0;

  constructor(options: FoundingLogOptions) {
    this.#options = options;
    this.#toldAt = options.clock.now() - WAIT_LOG + FIRST_ANSWERS;
  }

  /** It is no member after this turn. `refusal`: why a cluster did not take it in. */
  turnEnded(refusal: Refusal | undefined): void {
    const { clock, logger } = this.#options;
    if (clock.now() - this.#toldAt < WAIT_LOG) return;
    this.#toldAt = clock.now();
    if (refusal === undefined) {
      this.#refusals = 0;
      this.#tellWho();
      return;
    }
    // A cluster takes in one at a time, so that being refused is no trouble before it lasts.
    const level = ++this.#refusals > 1 ? 'warn' : 'info';
    logger[level]('the cluster does not take this server in', { by: refusal.by, why: refusal.why });
  }

  #tellWho(): void {
    const { name, expect, gossip, logger } = this.#options;
    const others = gossip.reachable();
    const unreachable = gossip.unreachable();
    const fields: LogFields = {
      servers: [name, ...others.map(({ entry }) => entry.name)].join(' '),
      ...(unreachable.length === 0 ? {} : { unreachable: unreachable.join(', ') }),
    };
    if (unreachable.length + others.length === 0)
      fields.hint = 'no address of another server is known: give some with -retry-join';
    if (expect === 0) {
      logger.warn('waiting for a cluster to join: without -bootstrap-expect this server founds none', fields);
      return;
    }
    const differing = others.filter(({ hello }) => hello.expect !== expect);
    const here = others.length - differing.length + 1;
    const waiting = `waiting for other servers: ${here} of ${expect} are here`;
    if (differing.length === 0) logger.info(waiting, fields);
    else
      logger.warn(waiting, {
        ...fields,
        others: differing
          .map(({ entry, hello }) => `${entry.name} (-bootstrap-expect=${hello.expect})`)
          .join(', '),
        hint: `give the same -bootstrap-expect to all: this server has ${expect}`,
      });
  }
}
