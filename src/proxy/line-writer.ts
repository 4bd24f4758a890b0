import { close, fstatSync, open, stat, write } from 'node:fs';
import { fileTrouble } from '../errors.ts';

/** Lines wait at most so long (ms), or until there are so many bytes. */
const FLUSH = 100;
const BATCH = 65_536;
/** Beyond this lines are dropped, and counted: a full disk or a reader that stands still must not take our memory. */
const MOST = 4_194_304;
/** How often a file is looked at for having been moved away (ms). */
const LOOK = 1_000;
/** Trouble that goes on is told once in so long (ms), so that it does not fill the log, which may be on the same disk. */
const QUIET = 60_000;

/** Lines that nobody will see, since that was told last. */
interface Loss {
  lines: number;
  quietUntil: number;
}

/** Writes lines to standard output or to a file, without ever holding up who writes them. One write is under way at a time. */
export class LineWriter {
  readonly #target: string;
  readonly #onTrouble: (why: string) => void;
  #fd = -1;
  #inode = 0;
  #looked = 0;
  #waiting: string[] = [];
  #size = 0;
  /** Of the batch that is being written. */
  #underWay = 0;
  readonly #lost: Loss = { lines: 0, quietUntil: 0 };
  readonly #dropped: Loss = { lines: 0, quietUntil: 0 };
  readonly #now: () => number;
  #busy = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #over: Promise<void> | undefined;
  #onEnd = () => {};

  /** `target`: "stdout" or a path; a file that is moved away is made anew. `now`: milliseconds. */
  constructor(target: string, onTrouble: (why: string) => void, now = () => performance.now()) {
    this.#target = target;
    this.#onTrouble = onTrouble;
    this.#now = now;
  }

  /** `line` with its end. */
  write(line: string): void {
    if (this.#size + line.length > MOST) {
      this.#dropped.lines++;
      return;
    }
    this.#waiting.push(line);
    this.#size += line.length;
    if (this.#size >= BATCH) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH).unref();
  }

  /** Writes what waits, then ends; resolves when all is written, or lost. Idempotent. */
  close(): Promise<void> {
    this.#over ??= new Promise((resolve) => {
      this.#onEnd = resolve;
      this.#closed = true;
      this.#flush();
    });
    return this.#over;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#busy) return;
    if (this.#size === 0) {
      if (this.#closed) this.#end();
      return;
    }
    this.#busy = true;
    this.#withFile((fd) => {
      const bytes = Buffer.from(this.#waiting.join(''));
      this.#underWay = this.#waiting.length;
      this.#waiting = [];
      this.#size = 0;
      this.#put(fd, bytes, 0);
    });
  }

  #put(fd: number, bytes: Buffer, from: number): void {
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error !== null && error.code === 'EAGAIN') {
        setTimeout(() => this.#put(fd, bytes, from), FLUSH).unref();
        return;
      }
      if (error === null && from + written < bytes.length) {
        this.#put(fd, bytes, from + written);
        return;
      }
      this.#done(error);
    });
  }

  #done(trouble: Error | null): void {
    this.#busy = false;
    if (trouble !== null) {
      this.#lost.lines += this.#underWay + this.#waiting.length;
      this.#waiting = [];
      this.#size = 0;
      this.#tell(this.#lost, `${this.#target} cannot be written: ${fileTrouble(trouble)}`);
    }
    this.#underWay = 0;
    this.#tell(this.#dropped, `${this.#target} does not take them fast enough`);
    if (this.#size > 0 || this.#closed) this.#flush();
  }

  #tell(loss: Loss, why: string): void {
    const now = this.#now();
    if (loss.lines === 0 || now < loss.quietUntil) return;
    this.#onTrouble(`lines are lost (${loss.lines}): ${why}`);
    loss.lines = 0;
    loss.quietUntil = now + QUIET;
  }

  /** With an open descriptor; a file that is not where it was any more is opened anew. */
  #withFile(next: (fd: number) => void): void {
    if (this.#target === 'stdout') {
      next(1);
      return;
    }
    const now = Date.now();
    if (this.#fd >= 0 && now - this.#looked < LOOK) {
      next(this.#fd);
      return;
    }
    this.#looked = now;
    stat(this.#target, (error, stats) => {
      if (error === null && this.#fd >= 0 && stats.ino === this.#inode) {
        next(this.#fd);
        return;
      }
      open(this.#target, 'a', (failed, fd) => {
        if (failed !== null) {
          this.#done(failed);
          return;
        }
        this.#release();
        this.#fd = fd;
        this.#inode = fstatSync(fd).ino;
        next(fd);
      });
    });
  }

  #release(): void {
    if (this.#fd >= 0) close(this.#fd, () => {});
    this.#fd = -1;
  }

  #end(): void {
    this.#release();
    this.#onEnd();
  }
}
