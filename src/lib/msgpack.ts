/**
 * Values in the msgpack format (github.com/msgpack/msgpack, spec.md), one behind the other. Written for input of which nothing is
 * known: lengths are checked before anything is made, depth and number of elements are bounded, and keys are those of a `Map`.
 */

/** Strings are bytes too: writers of before 2013, and Go's of today that stayed with them, know one kind for both. */
export type Packed =
  | null
  | boolean
  | number
  | bigint
  | Buffer
  | readonly Packed[]
  | ReadonlyMap<string, Packed>
  | PackedExtension;

/** A value of a type that its writer made up, or of time (type -1). */
export class PackedExtension {
  readonly type: number;
  readonly bytes: Buffer;

  constructor(type: number, bytes: Buffer) {
    this.type = type;
    this.bytes = bytes;
  }
}

/** Says what is wrong with the bytes. */
export class MsgpackError extends Error {}

/** Levels within each other: what is written by hand or by a program has a handful. */
const MAX_DEPTH = 64;
/** Elements in one value, on all its levels: a byte of input becomes some tens of bytes of memory. */
const MAX_ELEMENTS = 1_000_000;

/** What stands behind the first byte of a value. */
type Head =
  | { readonly kind: 'plain'; readonly value: null | boolean | number | bigint }
  | { readonly kind: 'bytes' | 'list' | 'map'; readonly size: number }
  | { readonly kind: 'extension'; readonly size: number };

const plain = (value: null | boolean | number | bigint): Head => ({ kind: 'plain', value });

export class MsgpackReader {
  readonly #bytes: Buffer;
  #at: number;
  #elements = 0;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next value begins. */
  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** One byte that belongs to no value. Throws `MsgpackError` at the end. */
  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  /** The next value; bytes in it are windows into the input. Throws `MsgpackError`. */
  read(): Packed {
    this.#elements = 0;
    return this.#value(0);
  }

  /** Passes over the next value and makes nothing of it. Throws `MsgpackError`. */
  skip(): void {
    for (let left = 1; left > 0; left--) {
      const head = this.#head();
      if (head.kind === 'list') left += head.size;
      else if (head.kind === 'map') left += 2 * head.size;
      else if (head.kind === 'bytes') this.#take(head.size);
      else if (head.kind === 'extension') this.#take(1 + head.size);
    }
  }

  #value(depth: number): Packed {
    if (depth > MAX_DEPTH) throw new MsgpackError(`more than ${MAX_DEPTH} levels within each other`);
    if (++this.#elements > MAX_ELEMENTS) throw new MsgpackError(`more than ${MAX_ELEMENTS} elements`);
    const head = this.#head();
    if (head.kind === 'plain') return head.value;
    if (head.kind === 'bytes') return this.#window(head.size);
    if (head.kind === 'extension') {
      const type = this.#bytes.readInt8(this.#take(1));
      return new PackedExtension(type, this.#window(head.size));
    }
    if (head.kind === 'list') {
      const list: Packed[] = [];
      for (let i = 0; i < head.size; i++) list.push(this.#value(depth + 1));
      return list;
    }
    const map = new Map<string, Packed>();
    for (let i = 0; i < head.size; i++) map.set(this.#key(), this.#value(depth + 1));
    return map;
  }

  #key(): string {
    const head = this.#head();
    if (head.kind !== 'bytes') throw new MsgpackError('a key that is no string');
    const begin = this.#take(head.size);
    return this.#bytes.toString('utf8', begin, begin + head.size);
  }

  #head(): Head {
    const first = this.byte();
    if (first < 0x80) return plain(first);
    if (first < 0x90) return this.#many('map', first & 0x0f);
    if (first < 0xa0) return this.#many('list', first & 0x0f);
    if (first < 0xc0) return { kind: 'bytes', size: first & 0x1f };
    if (first >= 0xe0) return plain(first - 0x100);
    return this.#longHead(first);
  }

  #longHead(first: number): Head {
    const bytes = this.#bytes;
    switch (first) {
      case 0xc0:
        return plain(null);
      case 0xc2:
        return plain(false);
      case 0xc3:
        return plain(true);
      case 0xc4:
      case 0xd9:
        return { kind: 'bytes', size: this.byte() };
      case 0xc5:
      case 0xda:
        return { kind: 'bytes', size: bytes.readUInt16BE(this.#take(2)) };
      case 0xc6:
      case 0xdb:
        return { kind: 'bytes', size: bytes.readUInt32BE(this.#take(4)) };
      case 0xc7:
        return { kind: 'extension', size: this.byte() };
      case 0xc8:
        return { kind: 'extension', size: bytes.readUInt16BE(this.#take(2)) };
      case 0xc9:
        return { kind: 'extension', size: bytes.readUInt32BE(this.#take(4)) };
      case 0xca:
        return plain(bytes.readFloatBE(this.#take(4)));
      case 0xcb:
        return plain(bytes.readDoubleBE(this.#take(8)));
      case 0xcc:
        return plain(this.byte());
      case 0xcd:
        return plain(bytes.readUInt16BE(this.#take(2)));
      case 0xce:
        return plain(bytes.readUInt32BE(this.#take(4)));
      case 0xcf:
        return plain(exact(bytes.readBigUInt64BE(this.#take(8))));
      case 0xd0:
        return plain(bytes.readInt8(this.#take(1)));
      case 0xd1:
        return plain(bytes.readInt16BE(this.#take(2)));
      case 0xd2:
        return plain(bytes.readInt32BE(this.#take(4)));
      case 0xd3:
        return plain(exact(bytes.readBigInt64BE(this.#take(8))));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return { kind: 'extension', size: 1 << (first - 0xd4) };
      case 0xdc:
        return this.#many('list', bytes.readUInt16BE(this.#take(2)));
      case 0xdd:
        return this.#many('list', bytes.readUInt32BE(this.#take(4)));
      case 0xde:
        return this.#many('map', bytes.readUInt16BE(this.#take(2)));
      case 0xdf:
        return this.#many('map', bytes.readUInt32BE(this.#take(4)));
      default:
        throw new MsgpackError(`no value begins with the byte 0x${first.toString(16)}`);
    }
  }

  /** Each element takes a byte at least: a number of them that cannot be there is found out before they are waited for. */
  #many(kind: 'list' | 'map', size: number): Head {
    const least = kind === 'map' ? 2 * size : size;
    if (least > this.#bytes.length - this.#at) throw new MsgpackError('it ends within a value');
    return { kind, size };
  }

  #window(size: number): Buffer {
    const begin = this.#take(size);
    return this.#bytes.subarray(begin, begin + size);
  }

  /** Goes on by `size` bytes. Answers where they begin. */
  #take(size: number): number {
    const begin = this.#at;
    if (size > this.#bytes.length - begin) throw new MsgpackError('it ends within a value');
    this.#at = begin + size;
    return begin;
  }
}

/** A number as long as that is exact. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
