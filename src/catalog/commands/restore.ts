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
  const wanted = new Map(TABLE_NAMES.map((table) => [table, new Map<string, Indexed>()]));
  for (const { table, key, row } of archived)
    if (row !== undefined && !isPresent(table, key)) wanted.get(table)?.set(key, row);
  for (const [table, rows] of wanted) {
    const { key } = shapeOf(table);
    for (const row of tx.all(table)) {
      const name = key(row as never);
      if (!rows.has(name) && !isPresent(table, name)) tx.delete(table, name);
    }
    const changed = [...rows].filter(([name, row]) => !isUnchanged(tx.get(table, name), row as never));
    // Tables take up keys that come in their order several times faster.
    changed.sort(([a], [b]) => compareUtf8(a, b));
    for (const [, row] of changed) tx.put(table, withoutIndexes(row) as never);
  }
}

/** Whether a row is of the present whatever an archive says. */
function isPresent(table: TableName, key: string): boolean {
  return table === 'settings' && isOfMachines(key);
}
