/**
 * Moves bytes from one socket to another inside the kernel, without a copy. A worker has one pipe, for it is empty outside of a call: what the
 * second socket does not take at once goes into slots. Neither socket may be one that waits: SPLICE_F_NONBLOCK speaks of the pipe alone.
 */
import { getSystemErrorName } from 'node:util';
import { SCRATCH } from './arena.ts';
import * as kernel from './kernel.ts';
import type { Loop } from './loop.ts';

/** Bytes that are moved at once at most: bodies of 200 kB in one go, and what is left over fits in a connection's queue. */
export const PORTION = 262_144;
/** The kernel counts a page for each piece, and packets of a network are pieces of 1,448 bytes: room for a portion of them. */
const ROOM = 1_048_576;
/** What it gives to those who have too many pipes already is two pages. */
const LEAST_ROOM = 65_536;

const DESCRIPTORS_AT = SCRATCH + 512;
const FLAGS = kernel.SPLICE_MOVE | kernel.SPLICE_NONBLOCK;

/** Called with the reason when bytes have to be copied after all. */
export type TellRefused = (why: string) => void;

export class Pipe {
  /** Bytes in it. */
  held = 0;
  /** Bytes that left it for a socket. */
  moved = 0;
  readonly #loop: Loop;
  readonly #tell: TellRefused;
  #reading = -1;
  #writing = -1;
  #isRefused = false;

  constructor(loop: Loop, tell: TellRefused) {
    this.#loop = loop;
    this.#tell = tell;
    this.#open();
  }

  /** False where the system refuses what it needs. */
  get isOpen(): boolean {
    return this.#reading >= 0 && !this.#isRefused;
  }

  /** Takes what a socket has received, `most` bytes at most. The answer is how much; 0 at the end; negative: an error number. */
  fill(fd: number, most: number): number {
    const result = this.#loop.libc.splice(fd, this.#writing, most, FLAGS);
    if (result > 0) this.held += result;
    else this.#look(result);
    return result;
  }

  /** Gives a socket as much of what it holds as that takes; the answer is how much. Errors are left to who sends the rest. */
  pour(fd: number): number {
    const result = this.#loop.libc.splice(this.#reading, fd, this.held, FLAGS);
    if (result < 0) {
      this.#look(result);
      return 0;
    }
    this.held -= result;
    this.moved += result;
    return result;
  }

  /** Copies the next bytes it holds to a place of the arena, at most `room`; the answer is how many. */
  copy(at: number, room: number): number {
    const { libc, arena } = this.#loop;
    const result = libc.read(this.#reading, arena.address(at), Math.min(room, this.held));
    if (result > 0) this.held -= result;
    return Math.max(0, result);
  }

  /** Throws away what it holds. */
  discard(): void {
    this.close();
    this.#open();
  }

  close(): void {
    const { libc, estate } = this.#loop;
    for (const fd of [this.#reading, this.#writing]) {
      if (fd < 0) continue;
      estate.disown(fd);
      libc.close(fd);
    }
    this.#reading = this.#writing = -1;
    this.held = 0;
  }

  #open(): void {
    const { libc, arena, estate } = this.#loop;
    const result = libc.pipe(arena.address(DESCRIPTORS_AT), kernel.SOCK_CLOEXEC | kernel.SOCK_NONBLOCK);
    if (result < 0) {
      this.#refuse(`pipe2: ${getSystemErrorName(result)}`);
      return;
    }
    this.#reading = arena.ints[DESCRIPTORS_AT >> 2]!;
    this.#writing = arena.ints[(DESCRIPTORS_AT >> 2) + 1]!;
    estate.own(this.#reading);
    estate.own(this.#writing);
    libc.resizePipe(this.#writing, ROOM);
    if (libc.pipeSize(this.#writing) < LEAST_ROOM)
      this.#refuse('too many pipes for this user (fs.pipe-user-pages-soft)');
  }

  #look(result: number): void {
    if (REFUSALS.has(-result)) this.#refuse(`splice: ${getSystemErrorName(result)}`);
  }

  /** For good; what it holds can still be copied out of it. */
  #refuse(why: string): void {
    if (!this.#isRefused) this.#tell(`large bodies are copied: ${why}`);
    this.#isRefused = true;
  }
}

/** Said of the call, and not of a connection. */
const REFUSALS = new Set([kernel.EPERM, kernel.EBADF, kernel.EACCES, kernel.EINVAL, kernel.ENOSYS]);
