import { readFileSync } from 'node:fs';
import { MusterError, messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { parseHtpasswd } from '../../proxy/auth.ts';
import type { AuthScheme } from '../../proxy/settings.ts';
import type { AuthFile } from './config.ts';

/**
 * The users of all schemes from their files; those with a `refresh` are read again. Throws `config.unreadable` when a file
 * cannot be read at the start; later what it said stays in force. The answer ends it.
 */
export function followAuthFiles(
  files: readonly AuthFile[],
  { clock, log, tell }: { clock: Clock; log: Logger; tell: (schemes: Record<string, AuthScheme>) => void },
): () => void {
  const schemes: Record<string, AuthScheme> = {};
  const texts = new Map<string, string>();
  const take = ({ name, realm, file }: AuthFile, text: string) => {
    texts.set(name, text);
    const { users, bad } = parseHtpasswd(text);
    schemes[name] = { realm, users };
    if (bad.length > 0)
      log.warn('users are left out whose hash is none of bcrypt, apr1 and {SHA}', {
        file,
        lines: bad.join(','),
      });
  };
  const cancels = new Map<string, () => void>();
  const again = (file: AuthFile) => {
    try {
      const text = readFileSync(file.file, 'utf8');
      if (text !== texts.get(file.name)) {
        take(file, text);
        tell({ ...schemes });
      }
    } catch (error) {
      log.warn('users cannot be read again; those known stay', { file: file.file, why: messageOf(error) });
    }
    cancels.set(
      file.name,
      clock.after(file.refresh, () => again(file)),
    );
  };
  for (const file of files) {
    try {
      take(file, readFileSync(file.file, 'utf8'));
    } catch (cause) {
      throw new MusterError('config.unreadable', `proxy.auth '${file.name}': ${messageOf(cause)}`, { cause });
    }
    if (file.refresh > 0)
      cancels.set(
        file.name,
        clock.after(file.refresh, () => again(file)),
      );
  }
  if (files.length > 0) tell({ ...schemes });
  return () => {
    for (const cancel of cancels.values()) cancel();
  };
}
