import { kvReap } from '../catalog/commands/kv.ts';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

/** How often old rows are looked for, and how old a deletion is when it is forgotten, in ms. Consul's 15 minutes. */
const INTERVAL = 60_000;
const TOMBSTONE_TTL = 15 * 60_000;

/** Forgets what nobody can ask for any more: deletions and lock-delays that have run out. The answer ends it. */
export function startHousekeeping({
  store,
  clock,
  logger,
}: {
  store: Store;
  clock: Clock;
  logger: Logger;
}): () => void {
  let cancel = () => {};
  const clean = () => {
    const before = clock.now() - TOMBSTONE_TTL;
    const { catalog } = store;
    const isOld =
      catalog.unordered('tombstones').some(({ deletedAt }) => deletedAt < before) ||
      catalog.unordered('lockDelays').some(({ until }) => until < before);
    if (isOld) {
      store
        .write((tx) => kvReap(tx, before))
        .catch((error: unknown) => logger.warn(`could not forget old deletions: ${messageOf(error)}`));
    }
    cancel = clock.after(INTERVAL, clean);
  };
  cancel = clock.after(INTERVAL, clean);
  return () => cancel();
}
