import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/** How often it is looked. */
const LOOK = 5_000;
/** So often in a row it has to be the same, in looks: an election takes a second or two, etcds on busy machines some more. */
const LASTING = 3;

export interface MajorityLogOptions {
  /** Whether this server's etcd hears of a majority. */
  hears(): boolean;
  /** Names of the other servers that are there, and how many servers there are in all. */
  servers(): { there: readonly string[]; count: number };
  clock: Pick<Clock, 'after'>;
  logger: Logger;
}

/**
 * Says once when a majority of the servers is there, as far as this server hears of them, and their etcds find none all the same: the lines
 * between these go to the addresses that each tells of itself. The answer ends it.
 */
export function watchMajority({ hears, servers, clock, logger }: MajorityLogOptions): () => void {
  let looks = 0;
  let cancel = () => {};
  const look = () => {
    cancel = clock.after(LOOK, look);
    const { there, count } = servers();
    const isOdd = !hears() && there.length + 1 > count / 2;
    looks = isOdd ? looks + 1 : 0;
    if (looks !== LASTING) return;
    logger.warn('a majority of the servers is there, but this server takes part in none', {
      there: there.join(' '),
      hint: "do the lines between their etcds stand (`muster operator autopilot state`, the dashboard's Cluster)? A server whose own address changed while it ran tells the others the old one until it is started again",
    });
  };
  cancel = clock.after(LOOK, look);
  return () => cancel();
}
