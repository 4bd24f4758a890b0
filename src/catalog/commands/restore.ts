import { compareUtf8 } from '../../lib/order.ts';
import type { Indexed } from '../rows.ts';
import { shapeOf, TABLE_NAMES } from '../tables.ts';
import { type Transaction, type Write, withoutIndexes } from '../transaction.ts';
import { isUnchanged } from './equal.ts';

/**
 * Makes the tables hold exactly `rows`, in one commit. What differs gets the index of this commit: no index ever goes
 * backwards, and readers of what changed are woken.
 */
export function restore(tx: Transaction, rows: readonly Write[]): void {
  const kept = new Set(rows.map(({ table, key }) => `${table}\u0000${key}`));
  for (const table of TABLE_NAMES) {
    const { key } = shapeOf(table);
    for (const row of tx.all(table)) if (!kept.has(`${table}\u0000${key(row)}`)) tx.delete(table, key(row));
  }
  const sorted = [...rows].sort((a, b) => compareUtf8(a.key, b.key));
  for (const { table, key, row } of sorted) {
    if (row === undefined) continue;
    const draft = withoutIndexes(row as Indexed);
    if (!isUnchanged(tx.get(table, key), draft as never)) tx.put(table, draft as never);
  }
}
