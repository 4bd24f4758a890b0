/** Users and groups by name, from the system's own files: what a name service knows beyond them has to be a number. */
import fs from 'node:fs';
import { MusterError } from '../errors.ts';

function idIn(file: string, name: string, what: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const line = fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const id = Number(line?.split(':')[2]);
  if (line === undefined || !Number.isInteger(id))
    throw new MusterError(
      'config.invalid',
      `there is no ${what} ${JSON.stringify(name)} in ${file}: name another one, or its number`,
    );
  return id;
}

/** -1 for "": leave it as it is. */
export const userId = (name: string): number => (name === '' ? -1 : idIn('/etc/passwd', name, 'user'));
export const groupId = (name: string): number => (name === '' ? -1 : idIn('/etc/group', name, 'group'));
