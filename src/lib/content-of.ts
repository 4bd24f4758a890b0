import { readFileSync, type Stats, statSync } from 'node:fs';
import { fileTrouble, MusterError } from '../errors.ts';

/** Of a text file that is named in a configuration. Throws `config.unreadable`. */
export function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot read ${file}: ${fileTrouble(cause)}`, { cause });
  }
}

/** The same, where no file may be named; undefined then. */
export function contentIfNamed(file: string | undefined): string | undefined {
  return file ? contentOf(file) : undefined;
}

/** What stands at a path; undefined where that cannot be seen: who reads it then hears why. */
export function statIfSeen(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
