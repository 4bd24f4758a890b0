/** What an agent says at its start where it is likely that something else was meant. */
import type { HostPort } from '../lib/host-port.ts';
import { isLoopback } from '../lib/ip.ts';
import type { Logger } from '../lib/log.ts';

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
