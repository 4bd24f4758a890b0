/** What an agent says where it is likely that something else was meant. */
import type { Clock } from '../lib/clock.ts';
import type { HostPort } from '../lib/host-port.ts';
import { isLoopback } from '../lib/ip.ts';
import type { Logger } from '../lib/log.ts';
import type { Config } from './config/schema.ts';

/** Of an agent that stands alone: that it does, if it was told what those have who do not. */
export function adviceAlone({ cluster }: Pick<Config, 'cluster'>): string | undefined {
  const given = [...(cluster.server ? ['-server'] : []), ...(cluster.encrypt === '' ? [] : ['-encrypt'])];
  if (given.length === 0) return undefined;
  return `this agent stands alone in spite of ${given.join(' and ')}, and nobody can join it: to be a part of a cluster it needs an address to join, -retry-join=ADDRESS; the first server its own, with -bootstrap-expect=1`;
}

/** Of one that does not, on the data directory of one that did. `catalog`: where that kept its catalog. */
export const adviceOnCatalog = (catalog: string): string =>
  `what this agent kept while it stood alone is not taken over: start it alone once more (without an address to join), \`muster snapshot save FILE\`, then start it as now, \`muster snapshot restore FILE\`. Remove ${catalog} when nothing in it is needed`;

/**
 * Finds as `find` does. Says once, when servers are looked for on other machines, that those are told an address of this node which leads
 * them to themselves.
 */
export function adviseOnAddress(
  find: () => Promise<HostPort[]>,
  { address, logger }: { address: string; logger: Logger },
): () => Promise<HostPort[]> {
  if (!isLoopback(address)) return find;
  let isSaid = false;
  return async () => {
    const contacts = await find();
    const far = contacts.find(({ host }) => !isLoopback(host));
    if (far !== undefined && !isSaid) {
      isSaid = true;
      logger.warn(
        `others are told ${address} for this node and what is registered on it, and reach themselves there: give -bind=ADDRESS or -advertise=ADDRESS`,
        { join: far.host },
      );
    }
    return contacts;
  };
}

/** How often an agent looks whether its machine has another address, in ms. */
const LOOK = 10_000;

/**
 * Says once of each address that the machine of this node has got since the start, which others are not told. `read`: that of now. The
 * answer ends it.
 */
export function adviseOnMove({
  address,
  read,
  clock,
  logger,
}: {
  address: string;
  read: () => string;
  clock: Pick<Clock, 'after'>;
  logger: Logger;
}): () => void {
  let last = address;
  let cancel = () => {};
  const look = () => {
    cancel = clock.after(LOOK, look);
    const now = read();
    // Without a network, for a moment perhaps, there is none that others could be told.
    if (now === last || isLoopback(now)) return;
    last = now;
    if (now !== address)
      logger.warn(
        `the address of this machine is ${now} now, and others are told ${address} as at the start: start this agent again`,
      );
  };
  cancel = clock.after(LOOK, look);
  return () => cancel();
}
