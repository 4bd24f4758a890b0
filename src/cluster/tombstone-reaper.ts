import { kvReap } from '../catalog/commands/kv.ts';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

/** A deletion is remembered this long (Consul's): readers of its prefix see the index move in the meantime. */
const KEPT = 15 * 60_000;

/** How often old ones are looked for. */
const INTERVAL = 30_000;

/** Forgets deleted keys and ended lock-delays. One server does this for all. */
export function startTombstoneReaper({
  store,
  clock,
  logger,
}: {
  store: Store;
  clock: Clock;
  logger: Logger;
}): { stop(): Promise<void> } {
  let cancel = () => {};
  let stopped = false;
  const again = () => {
    if (stopped) return;
    cancel = clock.after(INTERVAL, () => {
      // An empty look would still be a transaction: asked first.
      const { catalog } = store;
      if (catalog.count('tombstones') + catalog.count('lockDelays') === 0) return again();
      store
        .write((tx) => kvReap(tx, clock.now() - KEPT))
        .catch((error: unknown) =>
          logger.warn('old deletions were not forgotten', { error: messageOf(error) }),
        )
        .finally(again);
    });
  };
  again();
  return {
    async stop() {
      stopped = true;
      cancel();
    },
  };
}
