import type { Rows, TableName } from '../../catalog/rows.ts';
import { shapeOf, TABLE_NAMES } from '../../catalog/tables.ts';
import type { Write } from '../../catalog/transaction.ts';

/** Bytes and large numbers, which JSON does not have, stand as objects with one of these names. */
const BYTES = '$bytes';
const BIGINT = '$bigint';

/** A row as one line of JSON. */
export function rowLine(table: TableName, row: object): string {
  const fields = Object.entries(row).map(([name, value]: [string, unknown]) => {
    if (value instanceof Uint8Array) return [name, { [BYTES]: Buffer.from(value).toString('base64') }];
    return [name, typeof value === 'bigint' ? { [BIGINT]: String(value) } : value];
  });
  return JSON.stringify({ table, row: Object.fromEntries(fields) as object });
}

/** Says that a line is no row. */
export class RowError extends Error {}

/** Throws `RowError`, or `SyntaxError` and `TypeError` for what is no JSON of a row. */
export function rowOf(line: string): Write {
  const { table, row } = JSON.parse(line) as { table: TableName; row: Record<string, unknown> };
  if (!TABLE_NAMES.includes(table))
    throw new RowError(`the archive has rows of an unknown kind, ${String(table)}`);
  const decoded = plainOf(row) as Rows[TableName];
  const { key, indexes } = shapeOf(table);
  // A row that cannot be indexed must be found out here, not when it is already on the disk.
  for (const valuesOf of Object.values(indexes)) valuesOf(decoded);
  return { table, key: key(decoded), row: decoded } as Write;
}

function plainOf(row: Record<string, unknown>): unknown {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (typeof value !== 'object' || value === null) return [name, value];
      const special = value as Record<string, unknown>;
      if (typeof special[BYTES] === 'string') return [name, Buffer.from(special[BYTES], 'base64')];
      return [name, typeof special[BIGINT] === 'string' ? BigInt(special[BIGINT]) : value];
    }),
  );
}
