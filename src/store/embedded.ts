import type { RootDatabase } from 'lmdb';
import { Catalog } from '../catalog/catalog.ts';
import type { Rows, TableName } from '../catalog/rows.ts';
import { shapeOf, TABLE_NAMES } from '../catalog/tables.ts';
import type { Write } from '../catalog/transaction.ts';
import { GroupCommit } from './group-commit.ts';
import { diskKey, lacksFormat, openLmdb } from './lmdb.ts';
import { fromDisk, toDisk } from './row-on-disk.ts';
import { FIRST_INDEX, type Store } from './store.ts';

/** Layout of what is on disk. */
const FORMAT = 1;
const META = 'meta';

export interface EmbeddedStore extends Store {
  /** Where it is kept: what others of this node write there in the same tick is in the same transaction. */
  readonly database: RootDatabase;
}

/**
 * The store for one machine: LMDB, one database per table, one transaction and one sync per group of commits.
 * What was acknowledged survives kill -9 and a loss of power.
 */
export function openEmbeddedStore({
  path,
  onSubscriberError,
}: {
  path: string;
  onSubscriberError: (error: unknown) => void;
}): EmbeddedStore {
  const root = openLmdb(path);
  // In one transaction: each would be one of its own, with its sync.
  const { tables, meta } = root.transactionSync(() => ({
    tables: new Map(
      TABLE_NAMES.map((name) => [
        name,
        root.openDB<Rows[TableName] | Uint8Array, Buffer>(name, { keyEncoding: 'binary' }),
      ]),
    ),
    meta: root.openDB<number, string>(META, {}),
  }));
  const isNew = lacksFormat(meta.get('format'), FORMAT, path);

  const catalog = new Catalog(onSubscriberError);
  catalog.load(meta.get('index') ?? FIRST_INDEX, readRows());

  function* readRows(): Generator<Write> {
    for (const [table, database] of tables) {
      const { key } = shapeOf(table);
      for (const { value } of database.getRange()) {
        const row = fromDisk<Rows[TableName]>(value);
        yield { table, key: key(row), row } as Write;
      }
    }
  }

  const commits = new GroupCommit(catalog, async (index, writes) => {
    await root.batch(() => {
      for (const { table, key, row } of writes) {
        const database = tables.get(table);
        if (row === undefined) database?.remove(diskKey(key));
        else database?.put(diskKey(key), toDisk<Rows[TableName]>(row));
      }
      meta.put('index', index);
      if (isNew) meta.put('format', FORMAT);
    });
    // A commit is acknowledged when it is on the disk, not when it is in the page cache.
    await root.flushed;
  });

  let closing: Promise<void> | undefined;
  return {
    kind: 'embedded',
    database: root,
    catalog,
    write: (command) => commits.write(command),
    close() {
      closing ??= commits.close().then(() => root.close());
      return closing;
    },
  };
}
