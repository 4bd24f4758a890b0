import { isDeepStrictEqual } from 'node:util';
import type { Catalog } from '../catalog/catalog.ts';
import { shapeOf, TABLE_NAMES } from '../catalog/tables.ts';
import type { Write } from '../catalog/transaction.ts';

/** What has to be written so that the catalog holds exactly `rows`; of two rows in one place the later counts. */
export function difference(catalog: Catalog, rows: readonly Write[]): Write[] {
  const wanted = new Map(rows.map((write) => [`${write.table}\u0000${write.key}`, write]));
  const writes: Write[] = [];
  for (const table of TABLE_NAMES) {
    const { key } = shapeOf(table);
    for (const row of catalog.all(table)) {
      const place = `${table}\u0000${key(row)}`;
      const write = wanted.get(place);
      if (write?.row === undefined) writes.push({ table, key: key(row), row: undefined } as Write);
      else if (isDeepStrictEqual(write.row, row)) wanted.delete(place);
    }
  }
  for (const write of wanted.values()) if (write.row !== undefined) writes.push(write);
  return writes;
}
