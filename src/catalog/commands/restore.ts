import { compareUtf8 } from '../../lib/order.ts';
import { isOfMachines } from '../machine-settings.ts';
import type { Indexed, TableName } from '../rows.ts';
import { shapeOf, TABLE_NAMES } from '../tables.ts';
import { type Transaction, type Write, withoutIndexes } from '../transaction.ts';
import { isUnchanged } from './equal.ts';

/**
 * Makes the tables hold exactly `rows`, in one commit. What differs gets the index of this commit: no index ever goes
 * backwards, and readers of what changed are woken. How things are with the machines stays as it is: with the servers of another time or
 * place this cluster would lose its own.
 */
export function restore(tx: Transaction, archived: readonly Write[]): void {
  const rows = archived.filter(({ table, key }) => !isPresent(table, key));
  const kept = new Set(rows.map(({ table, key }) => `${table}\u0000${key}`));
  for (const table of TABLE_NAMES) {
    const { key } = shapeOf(table);
    for (const row of tx.all(table)) {
      const name = key(row);
      if (!kept.has(`${table}\u0000${name}`) && !isPresent(table, name)) tx.delete(table, name);
    }
  }
  const sorted = [...rows].sort((a, b) => compareUtf8(a.key, b.key));
  for (const { table, key, row } of sorted) {
    if (row === undefined) continue;
    const draft = withoutIndexes(row as Indexed);
    if (!isUnchanged(tx.get(table, key), draft as never)) tx.put(table, draft as never);
  }
}

/** Whether a row is of the present whatever an archive says. */
function isPresent(table: TableName, key: string): boolean {
  return table === 'settings' && isOfMachines(key);
}
