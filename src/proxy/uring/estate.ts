/**
 * What a worker owns outside of JavaScript, written down in memory that the main thread shares: descriptors and mapped
 * ranges outlive a thread that dies, so somebody else has to close them.
 */
import { closeSync } from 'node:fs';
import type { Libc } from './libc.ts';

/** Descriptors up to this many are written down; above, a dead worker's are lost until the process ends. */
const DESCRIPTORS = 65_536;
const RANGES = 8;
/** Each range: address (a double) and length. */
const RANGES_BYTES = RANGES * 16;

export class Estate {
  readonly shared: SharedArrayBuffer;
  readonly #ranges: Float64Array;
  /** One byte for each descriptor: 1 when it is the worker's. */
  readonly #descriptors: Uint8Array;

  /** `shared`: of another thread's estate, to look after it. */
  constructor(shared = new SharedArrayBuffer(RANGES_BYTES + DESCRIPTORS)) {
    this.shared = shared;
    this.#ranges = new Float64Array(shared, 0, RANGES_BYTES / 8);
    this.#descriptors = new Uint8Array(shared, RANGES_BYTES);
  }

  own(fd: number): void {
    this.#descriptors[fd] = 1;
  }

  /** It is closed, or about to be. */
  disown(fd: number): void {
    this.#descriptors[fd] = 0;
  }

  ownRange(address: number, length: number): void {
    for (let i = 0; i < this.#ranges.length; i += 2) {
      if (this.#ranges[i] !== 0) continue;
      this.#ranges[i + 1] = length;
      this.#ranges[i] = address;
      return;
    }
  }

  get isEmpty(): boolean {
    return this.#ranges.every((cell) => cell === 0) && this.size === 0;
  }

  /** How many descriptors are still owned. */
  get size(): number {
    let owned = 0;
    for (const one of this.#descriptors) owned += one;
    return owned;
  }

  /** The thread has ended, and with it everything it had asked of the kernel: closes and unmaps what it left behind. */
  settle(libc: Libc): void {
    this.#descriptors.forEach((owned, fd) => {
      if (owned === 0) return;
      this.#descriptors[fd] = 0;
      try {
        closeSync(fd);
      } catch {
        // It was being closed when the thread ended.
      }
    });
    for (let i = 0; i < this.#ranges.length; i += 2) {
      if (this.#ranges[i] !== 0) libc.unmap(this.#ranges[i]!, this.#ranges[i + 1]!);
      this.#ranges[i] = 0;
    }
  }
}
