import { Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../lib/clock.ts';
import { GroupCommit } from './group-commit.ts';
import { FIRST_INDEX, type Store } from './store.ts';

/** Keeps nothing over a restart (`-dev`). */
export function openMemoryStore({
  onSubscriberError,
  clock,
}: {
  onSubscriberError: (error: unknown) => void;
  /** Default: the system's. */
  clock?: Pick<Clock, 'now'>;
}): Store {
  const catalog = new Catalog(onSubscriberError);
  catalog.load(FIRST_INDEX, []);
  const commits = new GroupCommit(catalog, undefined, clock);
  return {
    kind: 'memory',
    catalog,
    write: (command) => commits.write(command),
    close: () => Promise.resolve(commits.close()),
  };
}
