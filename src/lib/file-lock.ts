import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

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
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    return (koffi.load(null).func('int flock(int fd, int operation)') as (...given: number[]) => number)(
      fd,
      LOCK_EX | LOCK_NB,
    );
  } catch {
    // No koffi on this system, see above.
    return 0;
  }
}
