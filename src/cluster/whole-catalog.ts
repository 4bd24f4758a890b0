import type { Catalog } from '../catalog/catalog.ts';
import { shapeOf, TABLE_NAMES } from '../catalog/tables.ts';
import type { Write } from '../catalog/transaction.ts';
import { lineOf } from './feed-message.ts';

/** Rows in one line: some hundred kB, a few ms of work for either side. */
const ROWS_PER_LINE = 1_000;

/**
 * All rows of a catalog as of now, as lines of the feed. Each is written when the first follower needs it and kept for the others
 * that are on their way at the same time: after a restart all of them come at once.
 */
export class WholeCatalog {
  readonly index: number;
  readonly #rest: Iterator<Buffer, undefined>;
  readonly #lines: Buffer[] = [];
  /** Followers that are on their way. */
  users = 0;

  constructor(catalog: Catalog) {
    this.index = catalog.index;
    this.#rest = linesOf(catalog);
  }

  /** Undefined past the last one. */
  line(at: number): Buffer | undefined {
    while (this.#lines.length <= at) {
      const { value, done } = this.#rest.next();
      if (done) return undefined;
      this.#lines.push(value);
    }
    return this.#lines[at];
  }
}

/** Rows are immutable: the lists are those of now, however much later a line is written. */
function linesOf(catalog: Catalog): Iterator<Buffer, undefined> {
  const { index } = catalog;
  const tables = TABLE_NAMES.map((table) => ({ table, rows: catalog.all(table) }));
  return (function* () {
    for (const { table, rows } of tables) {
      const { key } = shapeOf(table);
      for (let at = 0; at < rows.length; at += ROWS_PER_LINE) {
        const writes = rows
          .slice(at, at + ROWS_PER_LINE)
          .map((row) => ({ table, key: key(row as never), row }) as Write);
        yield lineOf({ kind: 'rows', writes });
      }
    }
    yield lineOf({ kind: 'whole', index });
    return undefined;
  })();
}
