// @ts-check
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Absolute path of something in the checkout. @param {...string} parts */
export const inRoot = (...parts) => join(ROOT, ...parts);

/** The program, as a user runs it. */
export const MUSTER = inRoot('bin', 'muster');

/** Where runs leave what is worth keeping (screenshots, logs, figures). Not under version control. */
export const ARTIFACTS = inRoot('artifacts');

/**
 * Where a command is, or undefined. Debian keeps daemons in sbin, which is not on everybody's PATH.
 * @param {string} command
 */
export function findCommand(command) {
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, command))
    .find((path) => existsSync(path));
}
