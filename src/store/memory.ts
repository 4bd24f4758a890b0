import { Catalog } from '../catalog/catalog.ts';
import { GroupCommit } from './group-commit.ts';
import { FIRST_INDEX, type Store } from './store.ts';

/** Keeps nothing over a restart (`-dev`). */
export function openMemoryStore({
  onSubscriberError,
}: {
  onSubscriberError: (error: unknown) => void;
}): Store {
  const catalog = new Catalog(onSubscriberError);
  catalog.load(FIRST_INDEX, []);
  const commits = new GroupCommit(catalog);
  return {
    kind: 'memory',
    catalog,
    write: (command) => commits.write(command),
    close: () => commits.close(),
  };
}
