import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { Catalog } from '../catalog/catalog.ts';
import type { Rows, TableName } from '../catalog/rows.ts';
import { shapeOf, TABLE_NAMES } from '../catalog/tables.ts';
import type { Write } from '../catalog/transaction.ts';
import { MusterError, messageOf } from '../errors.ts';
import { GroupCommit } from './group-commit.ts';
import { fromDisk, toDisk } from './row-on-disk.ts';
import type { Store } from './store.ts';

/** Layout of what is on disk; a newer one is refused rather than guessed at. */
const FORMAT = 1;
const META = 'meta';

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
}): Store {
  const root = openDatabase(path);
  const tables = new Map(
    TABLE_NAMES.map((name) => [
      name,
      root.openDB<Rows[TableName] | Uint8Array, Buffer>(name, { keyEncoding: 'binary' }),
    ]),
  );
  const meta = root.openDB<number, string>(META, {});
  const format = meta.get('format');
  if (format !== undefined && format !== FORMAT)
    throw new MusterError(
      'store.unusable',
      `the data in ${path} has format ${format}, this program knows ${FORMAT}: use the program that wrote it, or another -data-dir`,
    );

  const catalog = new Catalog(onSubscriberError);
  catalog.load(meta.get('index') ?? 0, readRows());

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
      if (format === undefined) meta.put('format', FORMAT);
    });
    // A commit is acknowledged when it is on the disk, not when it is in the page cache.
    await root.flushed;
  });

  let closing: Promise<void> | undefined;
  return {
    kind: 'embedded',
    catalog,
    write: (command) => commits.write(command),
    close() {
      closing ??= commits.close().then(() => root.close());
      return closing;
    },
  };
}

/** LMDB takes keys up to 1978 bytes; the catalog knows no such limit. Long ones stand under their hash. */
export function diskKey(key: string): Buffer {
  const bytes = Buffer.from(`=${key}`);
  return bytes.length <= 1024 ? bytes : createHash('sha256').update(bytes).digest();
}

function openDatabase(path: string): RootDatabase {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
    return open({ path, maxDbs: TABLE_NAMES.length + 1 });
  } catch (cause) {
    throw new MusterError(
      'store.unusable',
      `cannot keep data in ${path}: ${messageOf(cause)}. Give a directory that can be written with -data-dir, or use -dev to keep everything in memory.`,
      { cause },
    );
  }
}
