import { deserialize, serialize } from 'node:v8';

const MIN_INT64 = -(2n ** 63n);
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * A row as LMDB's encoder (msgpackr) is to write it. That encoder renames a key "__proto__", which clients may well
 * send (metadata has any keys), and refuses whole numbers beyond 64 bits: rows with such are written in V8's format,
 * as bytes, which no row is.
 */
export function toDisk<Row extends object>(row: Row): Row | Buffer {
  return isOdd(row) ? serialize(row) : row;
}

/** What `toDisk` was given, from what the disk gave back. */
export function fromDisk<Row extends object>(stored: Row | Uint8Array): Row {
  return stored instanceof Uint8Array ? (deserialize(stored) as Row) : stored;
}

function isOdd(value: unknown): boolean {
  if (typeof value === 'bigint') return value < MIN_INT64 || value > MAX_UINT64;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  if (Array.isArray(value)) return value.some(isOdd);
  if (Object.hasOwn(value, '__proto__')) return true;
  for (const name in value) if (isOdd((value as Record<string, unknown>)[name])) return true;
  return false;
}
