import { chmodSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a directory, with `mode`, and those above it that are missing; one that is there stays as it is. Throws what the system says. Node's own
 * `mkdir` with `recursive` never ends where making one is refused with ENOENT although the one above is there, as below /proc.
 */
export function makeDirectory(directory: string, mode?: number): void {
  const attempt = (mayClimb: boolean): void => {
    try {
      mkdirSync(directory, mode);
    } catch (error) {
      const above = path.dirname(directory);
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && mayClimb && above !== directory) {
        makeDirectory(above);
        attempt(false);
      } else if (!isDirectory(directory)) throw error;
    }
  };
  attempt(true);
}

/** Makes a directory for secrets: nobody but this user, and whoever it was opened to by group, may look into it. */
export function makePrivateDirectory(directory: string): void {
  makeDirectory(directory, 0o700);
  const { mode, uid } = statSync(directory);
  if ((mode & 0o007) !== 0 && uid === process.getuid?.()) chmodSync(directory, mode & 0o770);
}

function isDirectory(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
