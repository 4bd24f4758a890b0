import { fileTrouble } from '../errors.ts';
import type { Logger } from '../lib/log.ts';

/** Whether a disk takes what is written. Told when that changes, and not with every write: they come as fast as clients ask again. */
export class WriteTrouble {
  readonly #path: string;
  readonly #log: Logger;
  #why: string | undefined;
  #isBehind = false;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Why the last write was refused; undefined: it was not. */
  get why(): string | undefined {
    return this.#why;
  }

  refused(error: unknown): void {
    const isNew = this.#why === undefined;
    this.#why = fileTrouble(error);
    if (isNew)
      this.#log.warn('writes are refused: they cannot be kept', { directory: this.#path, why: this.#why });
  }

  kept(): void {
    if (this.#why === undefined) return;
    this.#why = undefined;
    this.#log.info('writes are kept again', { directory: this.#path });
  }

  /** What is in the log could not go to the data file, which is tried again. */
  fellBehind(error: unknown): void {
    if (this.#isBehind) return;
    this.#isBehind = true;
    this.#log.warn(
      'the data file cannot take over what is in the log; once that is full, writes are refused',
      {
        directory: this.#path,
        why: fileTrouble(error),
      },
    );
  }

  caughtUp(): void {
    this.#isBehind = false;
  }
}
