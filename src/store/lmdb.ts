import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { MusterError, messageOf } from '../errors.ts';

/** Databases that one environment may have: the catalog's tables, the registry's, that of groups, and what tells their formats. */
const MAX_DATABASES = 32;

/**
 * Opens an LMDB environment. Everything that this program keeps is in one, so that a registration, which concerns the
 * registry and the catalog, is one transaction and one sync. Throws `store.unusable` when it cannot be written.
 */
export function openLmdb(path: string): RootDatabase {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
    return open({ path, maxDbs: MAX_DATABASES });
  } catch (cause) {
    throw new MusterError(
      'store.unusable',
      `cannot keep data in ${path}: ${messageOf(cause)}. Give a directory that can be written with -data-dir, or use -dev to keep everything in memory.`,
      { cause },
    );
  }
}

/** LMDB takes keys up to 1978 bytes; the catalog knows no such limit. Long ones stand under their hash. */
export function diskKey(key: string): Buffer {
  const bytes = Buffer.from(`=${key}`);
  return bytes.length <= 1024 ? bytes : createHash('sha256').update(bytes).digest();
}

/**
 * Layout of what one of the users of an environment keeps there. Throws `store.unusable` for a newer one: it is refused
 * rather than guessed at. Answers whether it has to be written, since there is none yet.
 */
export function lacksFormat(known: number | undefined, format: number, path: string): boolean {
  if (known !== undefined && known !== format)
    throw new MusterError(
      'store.unusable',
      `the data in ${path} has format ${known}, this program knows ${format}: use the program that wrote it, or another -data-dir`,
    );
  return known === undefined;
}
