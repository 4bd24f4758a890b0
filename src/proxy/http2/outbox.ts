/** Frames on their way out of a connection, behind each other: those of one turn of the loop go with one write. */
import { giveArea, NO_AREA, takeArea } from '../areas.ts';
import { FRAME_HEAD } from './frames.ts';

/** Fewer are written one by one: that is cheaper than a view and a call. */
const FEW = 64;

export class Outbox {
  bytes = NO_AREA;
  length = 0;

  /** A frame whose payload, of `length` bytes, is to be written where the answer says. */
  frame(type: number, flags: number, stream: number, length: number): number {
    // What is behind the end belonged to others: none of it may ever go out.
    if (length < 0) throw new RangeError(`a frame of ${length} bytes`);
    const at = this.length;
    const end = at + FRAME_HEAD + length;
    if (end > this.bytes.length) this.#grow(end);
    const { bytes } = this;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = stream >>> 24;
    bytes[at + 6] = stream >>> 16;
    bytes[at + 7] = stream >>> 8;
    bytes[at + 8] = stream;
    this.length = end;
    return at + FRAME_HEAD;
  }

  /** A frame with [from, to) of `source`. */
  copy(type: number, flags: number, stream: number, source: Uint8Array, from: number, to: number): void {
    const at = this.frame(type, flags, stream, to - from);
    const { bytes } = this;
    if (to - from > FEW) bytes.set(source.subarray(from, to), at);
    else for (let p = from, q = at; p < to; p++, q++) bytes[q] = source[p]!;
  }

  clear(): void {
    giveArea(this.bytes);
    this.bytes = NO_AREA;
    this.length = 0;
  }

  #grow(needed: number): void {
    const bytes = takeArea(needed);
    bytes.set(this.bytes.subarray(0, this.length));
    giveArea(this.bytes);
    this.bytes = bytes;
  }
}
