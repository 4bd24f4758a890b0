/**
 * The part of protocol buffers that etcd's messages use: https://protobuf.dev/programming-guides/encoding/. Whole
 * numbers are JavaScript's where they count something, and bigint where they are names (member and lease IDs).
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export class ProtobufError extends Error {}

/** A message under construction. Fields with their default value are left out, as the encoding wants it. */
export class MessageWriter {
  #chunks: Uint8Array[] = [];

  bytes(field: number, value: Uint8Array | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return bytes.length === 0 ? this : this.#bytes(field, bytes);
  }

  /** A message inside: written even when it is empty, since its being there says something. */
  message(field: number, value: MessageWriter): this {
    return this.#bytes(field, value.finish());
  }

  uint(field: number, value: number | bigint | boolean): this {
    const number = BigInt(value);
    return number === 0n ? this : this.oneOf(field, number);
  }

  /** A number of which that it is there says something, also when it is 0. */
  oneOf(field: number, value: number | bigint): this {
    this.#chunks.push(varint(BigInt((field << 3) | VARINT)), varint(BigInt.asUintN(64, BigInt(value))));
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  #bytes(field: number, bytes: Uint8Array): this {
    this.#chunks.push(varint(BigInt((field << 3) | BYTES)), varint(BigInt(bytes.length)), bytes);
    return this;
  }
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  while (left >= 0x80n) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Uint8Array.from(bytes);
}

/** What one field of a message holds: a number, or bytes (of a text, bytes or a message). */
export interface Field {
  readonly number: number;
  /** 0 for a field of bytes. */
  readonly int: bigint;
  /** Empty for a number. Shares memory with the message. */
  readonly bytes: Buffer;
}

const EMPTY = Buffer.alloc(0);

/** The fields of a message in their order. Throws `ProtobufError` for what is none. */
export function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const readVarint = (): bigint => {
    let low = 0;
    // Four bytes are 28 bits: most numbers need no bigint arithmetic.
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw new ProtobufError('a number is cut off');
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new ProtobufError('a number is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('a number is too long');
  };
  const take = (length: number): Buffer => {
    if (length > message.length - at) throw new ProtobufError('a field is cut off');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = readVarint();
    const number = Number(tag >> 3n);
    const kind = Number(tag & 7n);
    if (kind === VARINT) yield { number, int: readVarint(), bytes: EMPTY };
    else if (kind === BYTES) yield { number, int: 0n, bytes: take(Number(readVarint())) };
    else if (kind === FIXED64) yield { number, int: 0n, bytes: take(8) };
    else if (kind === FIXED32) yield { number, int: 0n, bytes: take(4) };
    else throw new ProtobufError(`a field has the unknown kind ${kind}`);
  }
}
