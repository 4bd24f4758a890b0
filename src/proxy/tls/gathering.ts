/** Bytes that wait for their turn, copied behind each other: what brings much is then encrypted and written in few calls. */
import { READ_SIZE } from '../http1/memory.ts';

/** What a sender lets wait, and the read that was under way when it said so. */
const SIZE = 3 * READ_SIZE;
/** Areas kept for the next who has to wait; the others go back to the system, as larger ones do. */
const KEPT = 16;

const kept: Uint8Array[] = [];

function keep(area: Uint8Array | undefined): void {
  if (area?.length === SIZE && kept.length < KEPT) kept.push(area);
}

export class Gathering {
  length = 0;
  #area: Uint8Array | undefined;

  /** A copy of them: whoever gave them may change them. */
  append(bytes: Uint8Array): void {
    const end = this.length + bytes.length;
    if (this.#area === undefined || end > this.#area.length) this.#grow(end);
    this.#area!.set(bytes, this.length);
    this.length = end;
  }

  /** All of them, until it is cleared. */
  get bytes(): Uint8Array {
    return this.#area!.subarray(0, this.length);
  }

  clear(): void {
    keep(this.#area);
    this.#area = undefined;
    this.length = 0;
  }

  #grow(needed: number): void {
    const area = needed <= SIZE ? (kept.pop() ?? new Uint8Array(SIZE)) : new Uint8Array(2 * needed);
    if (this.#area !== undefined) area.set(this.bytes);
    keep(this.#area);
    this.#area = area;
  }
}
