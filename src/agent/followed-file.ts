import { readFileSync, statSync } from 'node:fs';
import { fileTrouble } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/** A file that is looked at again and again. */
export class FollowedFile {
  readonly path: string;
  #stamp = '';
  #isMissed = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Throws when it cannot be read. */
  read(): string {
    return readFileSync(this.path, 'utf8');
  }

  /** Whether it is another one than at the last look. Throws when it is not there. */
  changed(): boolean {
    const { mtimeMs, size, ino } = statSync(this.path);
    const now = `${mtimeMs} ${size} ${ino}`;
    const isNew = now !== this.#stamp;
    this.#stamp = now;
    return isNew;
  }

  /** It could be read. */
  found(): void {
    this.#isMissed = false;
  }

  /** True once for each time that it went away. */
  isMissed(): boolean {
    const before = this.#isMissed;
    this.#isMissed = true;
    this.#stamp = '';
    return !before;
  }
}

/**
 * Tells what a file says, at once and when it changed; every `refresh` ms it is looked at, 0: never again. Throws when it cannot be
 * read at the start; later what it said stays in force. `gone` is told when it is not there at two looks in a row: then it was taken
 * away, and is not just being replaced. The answer ends it.
 */
export function followFile(
  path: string,
  refresh: number,
  {
    clock,
    log,
    tell,
    gone,
  }: { clock: Clock; log: Logger; tell: (text: string) => void; gone?: (() => void) | undefined },
): () => void {
  const file = new FollowedFile(path);
  file.changed();
  tell(file.read());
  let cancel = () => {};
  let isGone = false;
  const look = () => {
    try {
      if (file.changed()) tell(file.read());
      file.found();
      isGone = false;
    } catch (error) {
      if (file.isMissed())
        log.warn('a file cannot be read; what it said stays in force', {
          file: path,
          why: fileTrouble(error),
        });
      else if (gone !== undefined && !isGone && (error as NodeJS.ErrnoException).code === 'ENOENT') {
        isGone = true;
        log.warn('a file was taken away; what it said is not in force any more', { file: path });
        gone();
      }
    }
    cancel = clock.after(refresh, look);
  };
  if (refresh > 0) cancel = clock.after(refresh, look);
  return () => cancel();
}
