import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { asBinary, open, type RangeOptions, type RootDatabase } from 'lmdb';
import { fileTrouble, MusterError } from '../errors.ts';
import { makePrivateDirectory } from '../lib/make-directory.ts';

/** LMDB takes keys up to 1978 bytes; the catalog knows no such limit. Longer ones than this stand under their hash. */
const MAX_KEY_BYTES = 1024;

/** Opens a data file of texts by place. Throws `store.unusable` when it cannot be written. */
export function openLmdb(path: string): RootDatabase<string, Buffer> {
  try {
    makePrivateDirectory(path);
    accessSync(path, constants.W_OK);
    // A transaction is over when it is on the disk; there is nobody who would want to see it before.
    return open<string, Buffer>({
      path,
      encoding: 'string',
      keyEncoding: 'binary',
      overlappingSync: false,
      // It would put a transaction of its own around ours, whose promise nobody has: the process would end when the disk is full.
      eventTurnBatching: false,
    });
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/** That a directory cannot hold data; an error that says more stays. */
export function unusable(path: string, cause: unknown): MusterError {
  if (cause instanceof MusterError) return cause;
  return new MusterError(
    'store.unusable',
    `cannot keep data in ${path}: ${fileTrouble(cause)}. Give a directory that can be written with -data-dir, or use -dev to keep everything in memory.`,
    { cause },
  );
}

/** `place`: the name of a table, a zero byte, the key of a row in it. */
export function diskKey(place: string | Buffer): Buffer {
  const bytes = typeof place === 'string' ? Buffer.from(place) : place;
  if (bytes.length <= MAX_KEY_BYTES) return bytes;
  const behindTable = bytes.indexOf(0) + 1;
  // A key that looks like that is one that nobody can write: it is no UTF-8.
  return Buffer.concat([
    bytes.subarray(0, behindTable),
    Buffer.from([0xff]),
    createHash('sha256').update(bytes).digest(),
  ]);
}

/** A text that is there in UTF-8 already, to be put. The bytes must stay as they are until the transaction is through. */
export function bytesValue(bytes: Buffer): string {
  return asBinary(bytes) as string;
}

/** Where the rows of a table are. */
export function diskRange(table: string): RangeOptions {
  return { start: Buffer.from(`${table}\u0000`), end: Buffer.from(`${table}\u0001`) };
}
