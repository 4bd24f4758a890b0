import { Catalog } from '../catalog/catalog.ts';
import type { Rows, TableName } from '../catalog/rows.ts';
import { shapeOf, TABLE_NAMES } from '../catalog/tables.ts';
import type { Write } from '../catalog/transaction.ts';
import type { Logger } from '../lib/log.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { GroupCommit } from './group-commit.ts';
import { fromTexts, toText } from './row-text.ts';
import { FIRST_INDEX, type Store } from './store.ts';

const META = 'meta';
const INDEX = 'index';

export interface EmbeddedStore extends Store {
  /** Where it is kept: what others of this node write there in the same breath reaches the disk together with it. */
  readonly environment: Environment;
}

/**
 * The store for one machine: a group of commits is one record of a log and one sync. What was acknowledged survives kill -9
 * and a loss of power.
 */
export function openEmbeddedStore({
  path,
  log,
  onSubscriberError,
}: {
  path: string;
  log?: Logger;
  onSubscriberError: (error: unknown) => void;
}): EmbeddedStore {
  const environment = openEnvironment(path, log === undefined ? {} : { log });
  const catalog = new Catalog(onSubscriberError);
  catalog.load(Number(environment.row(META, INDEX) ?? FIRST_INDEX), readRows());
  environment.letGo();

  function* readRows(): Generator<Write> {
    for (const table of TABLE_NAMES) {
      const { key } = shapeOf(table);
      for (const texts of inLots(environment.rows(table)))
        for (const row of fromTexts<Rows[TableName]>(texts)) yield { table, key: key(row), row } as Write;
    }
  }

  const commits = new GroupCommit(catalog, {
    join: (waiting) => environment.join(waiting),
    puts: (index, writes) => [
      ...writes.map(({ table, key, row }) => ({ table, key, text: row && toText(row) })),
      { table: META, key: INDEX, text: String(index) },
    ],
  });

  let closing: Promise<void> | undefined;
  return {
    kind: 'embedded',
    environment,
    catalog,
    write: (command) => commits.write(command),
    close() {
      commits.close();
      closing ??= environment.close();
      return closing;
    },
  };
}

/** Rows that are read together. */
const LOT = 256;

function* inLots(texts: Iterable<string>): Generator<string[]> {
  let lot: string[] = [];
  for (const text of texts) {
    lot.push(text);
    if (lot.length < LOT) continue;
    yield lot;
    lot = [];
  }
  yield lot;
}
