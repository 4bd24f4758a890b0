import { readFileSync } from 'node:fs';
import { fileTrouble, MusterError } from '../errors.ts';

/** Of a text file that is named in a configuration; undefined for none. Throws `config.unreadable`. */
export function contentOf(file: string | undefined): string | undefined {
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot read ${file}: ${fileTrouble(cause)}`, { cause });
  }
}
