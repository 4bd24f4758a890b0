import { readFileSync } from 'node:fs';
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
