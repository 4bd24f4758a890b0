import { fileTrouble, MusterError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { parseHtpasswd } from '../proxy/auth.ts';
import type { AuthScheme } from '../proxy/settings.ts';
import { followFile } from './followed-file.ts';

export interface AuthFile {
  readonly name: string;
  readonly realm: string;
  /** Path of the htpasswd file. */
  readonly file: string;
  /** How often it is looked at again (ms); 0: never. */
  readonly refresh: number;
  /** As fabio has it: passwords may stand there themselves, and nobody gets in by a file that was taken away. */
  readonly asFabio?: boolean;
}

/**
 * The users of all schemes from their files; those with a `refresh` are read again. Throws `config.unreadable` when a file
 * cannot be read at the start, with `setting` in front; later what it said stays in force. The answer ends it.
 */
export function followAuthFiles(
  files: readonly AuthFile[],
  {
    setting,
    clock,
    log,
    tell,
  }: { setting: string; clock: Clock; log: Logger; tell: (schemes: Record<string, AuthScheme>) => void },
): () => void {
  const schemes: Record<string, AuthScheme> = {};
  let isComplete = false;
  const ends: (() => void)[] = [];
  const stop = () => {
    for (const end of ends) end();
  };
  const take = ({ name, realm, file, asFabio }: AuthFile, text: string) => {
    const { users, bad, clear } = parseHtpasswd(text, asFabio);
    schemes[name] = { realm, users };
    if (bad.length > 0)
      log.warn('users are left out whose hash is none of bcrypt, apr1, {SHA} and {SSHA}', {
        file,
        lines: bad.join(','),
      });
    if (clear.length > 0)
      log.warn('passwords stand in clear; htpasswd -B writes hashes', { file, lines: clear.join(',') });
    if (isComplete) tell({ ...schemes });
  };
  for (const file of files) {
    try {
      const tellOf = {
        tell: (text: string) => take(file, text),
        gone: file.asFabio ? () => take(file, '') : undefined,
      };
      ends.push(followFile(file.file, file.refresh, { clock, log, ...tellOf }));
    } catch (cause) {
      stop();
      throw new MusterError(
        'config.unreadable',
        `${setting} '${file.name}': cannot read ${file.file}: ${fileTrouble(cause)}`,
        { cause },
      );
    }
  }
  isComplete = true;
  if (files.length > 0) tell({ ...schemes });
  return stop;
}
