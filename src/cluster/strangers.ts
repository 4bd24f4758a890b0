import type { Logger } from '../lib/log.ts';
import type { Hello } from './gossip.ts';
import type { Membership } from './membership.ts';

/** Servers that belong to another cluster, though they have the same key and know each other. Nothing can make one of two catalogs. */
export class Strangers {
  readonly #logger: Logger;
  /** Node IDs of those who were told of. */
  readonly #named = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A server said hello to one that is a part of `own`. Says once of each that it is a stranger. */
  look({ self, cluster, before }: Hello, own: Membership): void {
    // One of the two was given up, and begins anew once it has heard of that.
    const isSame = cluster === own.id || own.before?.includes(cluster ?? '') || before?.includes(own.id);
    if (cluster === undefined || isSame) {
      this.#named.delete(self.id);
      return;
    }
    if (this.#named.has(self.id)) return;
    this.#named.add(self.id);
    this.#logger.error(
      `there are two clusters: ${self.name} is a server of another one than this server, and each has a catalog of its own`,
      {
        server: self.name,
        address: self.host,
        hint: 'stop the servers of the one whose catalog may go, remove `cluster/cluster.json` and `cluster/etcd` from their data directories, and start them with -retry-join of a server that stays: they join it',
      },
    );
  }
}
