/** HTTP/1.1's text as HTTP/2 says it and back: the engine speaks the former, whatever its clients and instances speak. */
import { latin1, put } from '../http1/bytes.ts';
import { type Fields, TRANSFER_ENCODING } from '../http1/fields.ts';
import type { Encoder } from './hpack/encoder.ts';

/** Writes the fields of a scanned head, without those about one connection, which is another one on each side (RFC 9113 §8.2.2). */
export function writeFields(
  encoder: Encoder,
  bytes: Uint8Array,
  fields: Fields,
  without = TRANSFER_ENCODING,
): void {
  const { count, start, colon, field, drop } = fields;
  for (let i = 0; i < count; i++) {
    if (drop[i] === 1 || field[i] === TRANSFER_ENCODING || field[i] === without) continue;
    fields.trim(bytes, i);
    encoder.field(bytes, start[i]!, colon[i]!, bytes, fields.valueStart, fields.valueEnd);
  }
}

const CRLF = latin1('\r\n');

/** A body of HTTP/2 as HTTP/1.1 writes it: as it is when its length was said, in chunks otherwise. */
export class Body {
  readonly isChunked: boolean;
  #left: number;

  /** `length`: -1 when it was not said. */
  constructor(length: number) {
    this.isChunked = length < 0;
    this.#left = length;
  }

  /** So much more of it comes. False: that is more than was said (RFC 9113 §8.1.1). */
  takes(length: number): boolean {
    if (this.isChunked) return true;
    this.#left -= length;
    return this.#left >= 0;
  }

  /** Nothing is missing. */
  get isWhole(): boolean {
    return this.isChunked || this.#left === 0;
  }

  /** Writes [from, to) at `at` of `out`, where there has to be room for 12 bytes more; the answer is where it ends. */
  write(bytes: Uint8Array, from: number, to: number, out: Uint8Array, at: number): number {
    let end = this.isChunked ? put(out, CRLF, writeHex(out, at, to - from)) : at;
    out.set(bytes.subarray(from, to), end);
    end += to - from;
    return this.isChunked ? put(out, CRLF, end) : end;
  }

  /** The same, as bytes of its own. */
  copy(bytes: Uint8Array, from: number, to: number): Buffer {
    const out = Buffer.allocUnsafe(to - from + AROUND);
    return out.subarray(0, this.write(bytes, from, to, out, 0));
  }
}

/** Size and line ends of a chunk. */
const AROUND = 12;

/** The end of a chunked body; `trailers` are lines. */
export function lastChunkOf(trailers: string): Buffer {
  return Buffer.from(`0\r\n${trailers}\r\n`, 'latin1');
}

function writeHex(bytes: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let rest = value >>> 4; rest > 0; rest >>>= 4) digits++;
  for (let i = digits - 1, rest = value; i >= 0; i--, rest >>>= 4) {
    const digit = rest & 15;
    bytes[at + i] = digit < 10 ? 48 + digit : 87 + digit;
  }
  return at + digits;
}
