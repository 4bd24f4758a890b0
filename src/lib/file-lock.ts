import { closeSync, openSync } from 'node:fs';
import { koffiHere } from './koffi.ts';

/** flock(2): alone, and without waiting. */
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Locks a file for this process: the answer gives it back, and so does the end of the process, however it ends. Undefined when
 * somebody else has it. Where the system cannot be asked (koffi does not load there) everybody gets it. Throws what `open` throws.
 */
export function lockFile(path: string): (() => void) | undefined {
  const fd = openSync(path, 'a');
  if (flock(fd) === 0) return () => closeSync(fd);
  closeSync(fd);
  return undefined;
}

function flock(fd: number): number {
  try {
    const flock = koffiHere()?.load(null).func('int flock(int fd, int operation)');
    return flock === undefined ? 0 : (flock(fd, LOCK_EX | LOCK_NB) as number);
  } catch {
    // The system has no such call, see above.
    return 0;
  }
}
