/** For tests: configurations as text. */
import { isMusterError } from '../../errors.ts';
import { parseConfigText, readConfig } from './read.ts';

/** Throws `config.*`. `file`: as which it is read, for places and for files beside it. */
export function configOf(text: string, file = '/etc/m/muster.toml') {
  return readConfig([parseConfigText(file, text)]);
}

/** What is wrong with it, a line each. */
export function faultsOf(text: string, file = 'muster.toml'): string[] {
  try {
    configOf(text, file);
  } catch (error) {
    if (isMusterError(error, 'config.invalid')) return error.message.split('\n');
    throw error;
  }
  return [];
}
