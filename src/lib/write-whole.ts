import { chmodSync, closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeDirectory } from './make-directory.ts';

/**
 * Puts a file of this user's alone in the place of the one that is there: whole or not at all, also when the power goes. Its
 * directory is made if it is missing, for this user too.
 */
export function writeWhole(file: string, text: string): void {
  makeDirectory(path.dirname(file), 0o700);
  const next = `${file}.new`;
  const descriptor = openSync(next, 'w', 0o600);
  try {
    // One that an earlier attempt left may have another mode.
    chmodSync(next, 0o600);
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(next, file);
}
