/** Puts header blocks together that come in several frames, and has them decoded: in the order in which they came, or the table is wrong. */
import { copyOf } from '../http1/bytes.ts';
import {
  COMPRESSION_ERROR,
  END_HEADERS,
  ENHANCE_YOUR_CALM,
  FRAME_SIZE_ERROR,
  NO_ERROR,
  PADDED,
  PROTOCOL_ERROR,
  WITH_PRIORITY,
} from './frames.ts';
import { Decoder } from './hpack/decoder.ts';
import { FieldBlock } from './hpack/field-block.ts';
import { TABLE } from './hpack/static-table.ts';

/** A whole header block, compressed. */
const MOST_BLOCK = 65_536;
/** Frames that it may be in, however short they are. */
const MOST_FRAMES = 64;

/** The block that was read last. */
export const block = new FieldBlock();

export class HeaderBlocks {
  /** The stream whose block is not whole yet; 0: none. */
  open = 0;
  /** Of the frame with which the block began. */
  flags = 0;
  readonly #decoder = new Decoder(TABLE);
  #parts: Uint8Array[] = [];
  #length = 0;

  /** The payload of a HEADERS frame. The answer is an error code; without one, `open` says whether the block is whole, and is in `block` then. */
  begin(flags: number, id: number, bytes: Uint8Array, from: number, to: number): number {
    let [start, end] = [from, to];
    if ((flags & PADDED) !== 0) {
      if (start === end) return FRAME_SIZE_ERROR;
      end -= bytes[start++]!;
    }
    if ((flags & WITH_PRIORITY) !== 0) start += 5;
    if (id === 0 || start > end) return PROTOCOL_ERROR;
    this.flags = flags;
    if ((flags & END_HEADERS) !== 0) return this.#decode(bytes, start, end);
    this.open = id;
    this.#parts = [copyOf(bytes, start, end)];
    this.#length = end - start;
    return NO_ERROR;
  }

  /** That of a CONTINUATION frame; the answer is the same. */
  goOn(flags: number, id: number, bytes: Uint8Array, from: number, to: number): number {
    if (id === 0 || id !== this.open) return PROTOCOL_ERROR;
    this.#parts.push(copyOf(bytes, from, to));
    this.#length += to - from;
    if (this.#length > MOST_BLOCK || this.#parts.length > MOST_FRAMES) return ENHANCE_YOUR_CALM;
    if ((flags & END_HEADERS) === 0) return NO_ERROR;
    const whole = Buffer.concat(this.#parts);
    this.open = 0;
    this.#parts = [];
    return this.#decode(whole, 0, whole.length);
  }

  #decode(bytes: Uint8Array, from: number, to: number): number {
    return this.#decoder.decode(bytes, from, to, block) ? NO_ERROR : COMPRESSION_ERROR;
  }
}
