import { Catalog } from '../catalog/catalog.ts';
import { GroupCommit } from './group-commit.ts';
import type { Store } from './store.ts';

/** Keeps nothing over a restart (`-dev`). */
export function openMemoryStore({
  onSubscriberError,
}: {
  onSubscriberError: (error: unknown) => void;
}): Store {
  const catalog = new Catalog(onSubscriberError);
  const commits = new GroupCommit(catalog);
  return {
    kind: 'memory',
    catalog,
    write: (command) => commits.write(command),
    close: () => commits.close(),
  };
}
