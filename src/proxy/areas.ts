/** Memory for what waits, used again and again: large pieces that are made anew each time keep the garbage collector at work. */
import { READ_SIZE } from './http1/memory.ts';

/** What is let wait, and what is still read by whoever is told to stop; a stream's window of what came and is not wanted yet. */
const SIZE = 4 * READ_SIZE;
/** Areas kept for whoever comes next; others go back to the system. */
const KEPT = 64;

export const NO_AREA: Uint8Array = new Uint8Array();

const kept: Uint8Array[] = [];

/** An area with room for so much, with anything in it. */
export function takeArea(needed: number): Uint8Array {
  if (needed > SIZE) return Buffer.allocUnsafeSlow(2 * needed);
  return kept.pop() ?? Buffer.allocUnsafeSlow(SIZE);
}

/** Nobody looks at it any more. */
export function giveArea(area: Uint8Array): void {
  if (area.length === SIZE && kept.length < KEPT) kept.push(area);
}

/** Bytes that wait for their turn, copied behind each other. */
export class Queue {
  bytes = NO_AREA;
  from = 0;
  to = 0;

  /** A copy of them: whoever gave them may change them. */
  append(source: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (this.to + length > this.bytes.length) {
      const waiting = this.to - this.from;
      const grown = takeArea(waiting + length);
      grown.set(this.bytes.subarray(this.from, this.to));
      giveArea(this.bytes);
      this.bytes = grown;
      this.from = 0;
      this.to = waiting;
    }
    this.bytes.set(source.subarray(from, to), this.to);
    this.to += length;
  }

  get length(): number {
    return this.to - this.from;
  }

  /** Nothing of it is needed any more. */
  clear(): void {
    giveArea(this.bytes);
    this.bytes = NO_AREA;
    this.from = this.to = 0;
  }
}
