/**
 * What Go's structs, maps and lists are here. Undefined stands for nil. Bytes and texts are written alike, in the way of before 2013,
 * which all readers know.
 */
export type Packable =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Packable[]
  | { readonly [name: string]: Packable };

/** Bytes are gathered in pieces of this size: millions of small ones would take longer to throw away than to make. */
const PIECE = 256 * 1024;
/** The longest head of a value, and the longest number. */
const HEAD = 9;

/** Writes values in the msgpack format, as hashicorp/go-msgpack 0.5 does. A number that is no whole one is a float. */
export class MsgpackWriter {
  readonly #full: Buffer[] = [];
  #room: Buffer;
  /** Where in `#room` that begins which was not taken yet. */
  #taken = 0;
  #at = 0;
  /** Bytes in `#full`. */
  #fullSize = 0;

  /** `piece`: about how much is to come, in bytes. */
  constructor(piece = PIECE) {
    this.#room = Buffer.allocUnsafe(piece);
  }

  /** How many bytes were written since they were taken last. */
  get size(): number {
    return this.#fullSize + this.#at - this.#taken;
  }

  /** What was written since it was taken last. */
  take(): Buffer {
    const last = this.#room.subarray(this.#taken, this.#at);
    this.#taken = this.#at;
    this.#fullSize = 0;
    const full = this.#full.splice(0);
    return full.length === 0 ? last : Buffer.concat([...full, last]);
  }

  /** Bytes that are no value, or one that was written before. */
  raw(bytes: Uint8Array): void {
    this.#need(bytes.length);
    this.#room.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  byte(value: number): void {
    this.#need(1);
    this.#room[this.#at++] = value;
  }

  /** Throws `RangeError` for a whole number of more than 64 bits. */
  put(value: Packable): void {
    if (value === undefined || value === null) this.byte(0xc0);
    else if (typeof value === 'boolean') this.byte(value ? 0xc3 : 0xc2);
    else if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'bigint') this.#whole(value);
    else if (typeof value === 'number') this.#number(value);
    else if (value instanceof Uint8Array) {
      this.#head(value.length, 0xa0, 32, 0xda);
      this.raw(value);
    } else if (Array.isArray(value)) {
      this.#head(value.length, 0x90, 16, 0xdc);
      for (const one of value as readonly Packable[]) this.put(one);
    } else this.#struct(value as { readonly [name: string]: Packable });
  }

  #struct(fields: { readonly [name: string]: Packable }): void {
    const names = Object.keys(fields);
    this.#head(names.length, 0x80, 16, 0xde);
    for (const name of names) {
      this.#text(name);
      this.put(fields[name]);
    }
  }

  #text(text: string): void {
    const size = Buffer.byteLength(text);
    this.#head(size, 0xa0, 32, 0xda);
    this.#need(size);
    this.#at += this.#room.write(text, this.#at);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#begin(0xcb);
      this.#at = this.#room.writeDoubleBE(value, this.#at);
    } else if (value < 0 || value > 0xffff_ffff) this.#whole(BigInt(value));
    else if (value < 0x80) this.byte(value);
    else {
      this.#begin(0xce);
      this.#at = this.#room.writeUInt32BE(value, this.#at);
    }
  }

  /** Of 64 bits, with a sign only where there is one. */
  #whole(value: bigint): void {
    if (value >= -32n && value < 0x80n) {
      this.byte(Number(value) & 0xff);
      return;
    }
    this.#begin(value < 0n ? 0xd3 : 0xcf);
    this.#at =
      value < 0n ? this.#room.writeBigInt64BE(value, this.#at) : this.#room.writeBigUInt64BE(value, this.#at);
  }

  /** How long it is: within the first byte below `short`, else in two bytes behind `long`, or in four behind the next. */
  #head(size: number, first: number, short: number, long: number): void {
    if (size < short) {
      this.byte(first | size);
      return;
    }
    this.#begin(size < 0x1_0000 ? long : long + 1);
    this.#at =
      size < 0x1_0000 ? this.#room.writeUInt16BE(size, this.#at) : this.#room.writeUInt32BE(size, this.#at);
  }

  #begin(first: number): void {
    this.#need(HEAD);
    this.#room[this.#at++] = first;
  }

  #need(size: number): void {
    if (this.#at + size <= this.#room.length) return;
    this.#fullSize = this.size;
    this.#full.push(this.#room.subarray(this.#taken, this.#at));
    this.#room = Buffer.allocUnsafe(Math.max(PIECE, size));
    this.#taken = 0;
    this.#at = 0;
  }
}

/** One value. */
export function pack(value: Packable): Buffer {
  const writer = new MsgpackWriter(1024);
  writer.put(value);
  return writer.take();
}
