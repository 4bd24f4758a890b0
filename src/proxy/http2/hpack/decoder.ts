/** Header blocks read (RFC 7541). Hot path: a field that is known is one copy of its line. */
import { copyOf, latin1 } from '../../http1/bytes.ts';
import { type FieldBlock, isValue, ROOM } from './field-block.ts';
import { type FieldName, MALFORMED, nameIn, nameOf, PLAIN } from './field-name.ts';
import { decodeHuffman } from './huffman.ts';
import { OVERHEAD, STATIC_FIELDS } from './static-table.ts';

/** A field that an index stands for. */
class KnownField {
  readonly name: FieldName;
  readonly value: Uint8Array;
  #line: Uint8Array | undefined;

  constructor(name: FieldName, value: Uint8Array) {
    this.name = name;
    this.value = value;
  }

  /** In the table of both sides (RFC 7541 §4.1). */
  get size(): number {
    return this.name.bytes.length + this.value.length + OVERHEAD;
  }

  /** As HTTP/1.1 writes it. Many are never asked for: there are peers that put all they say into the table and never use it. */
  get line(): Uint8Array {
    this.#line ??= Buffer.concat([this.name.bytes, BETWEEN, this.value, CRLF]);
    return this.#line;
  }
}

const CRLF = latin1('\r\n');
const BETWEEN = latin1(': ');
/** Where literals are decoded to: those of one block behind each other, as the block points at them. */
const texts = new Uint8Array(2 * ROOM);

const STATIC = STATIC_FIELDS.map(([name, value]) => new KnownField(nameOf(name), latin1(value)));

export class Decoder {
  /** Largest size that the peer may ask for: what it was told in SETTINGS. */
  readonly #most: number;
  /** A ring with room for all that the largest table may hold. */
  readonly #dynamic: (KnownField | undefined)[];
  /** How many came, and how many of them are still there. */
  #count = 0;
  #length = 0;
  /** Of `#dynamic`, in bytes. */
  #size = 0;
  #allowed: number;
  /** Behind the number or string that was read last. */
  #at = 0;
  /** End of what the block has of `texts`. */
  #textEnd = 0;
  /** The string that was read last lies here. */
  #bytes: Uint8Array = texts;
  #from = 0;
  #to = 0;

  constructor(most: number) {
    this.#most = most;
    this.#allowed = most;
    this.#dynamic = new Array<KnownField | undefined>(Math.ceil(most / OVERHEAD)).fill(undefined);
  }

  /** Reads [from, to) of `bytes`, a whole header block. False: it is none, and nothing on this connection can be read any more. */
  decode(bytes: Uint8Array, from: number, to: number, block: FieldBlock): boolean {
    block.begin();
    this.#at = from;
    this.#textEnd = 0;
    let isFirst = true;
    while (this.#at < to) {
      const byte = bytes[this.#at]!;
      if ((byte & 0xe0) === 0x20) {
        // Only in front of all fields.
        const size = this.#number(bytes, to, 0x1f);
        if (!isFirst || size < 0 || size > this.#most) return false;
        this.#allowed = size;
        this.#evict(size);
        continue;
      }
      isFirst = false;
      if ((byte & 0x80) !== 0) {
        const field = this.#field(this.#number(bytes, to, 0x7f));
        if (field === undefined) return false;
        if (field.name.kind === PLAIN) block.addLine(field.line);
        else block.add(field.name, field.value, 0, field.value.length);
      } else if (!this.#literal(bytes, to, (byte & 0x40) !== 0, block)) return false;
    }
    block.finish();
    return true;
  }

  #literal(bytes: Uint8Array, to: number, isKept: boolean, block: FieldBlock): boolean {
    const index = this.#number(bytes, to, isKept ? 0x3f : 0x0f);
    if (index < 0) return false;
    let name: FieldName;
    if (index > 0) {
      const field = this.#field(index);
      if (field === undefined) return false;
      name = field.name;
    } else {
      if (!this.#string(bytes, to)) return false;
      name = nameIn(this.#bytes, this.#from, this.#to);
    }
    if (!this.#string(bytes, to)) return false;
    const value = this.#bytes;
    // What cannot be passed on keeps its place in the table, for which both sides count alike.
    if (!isValue(value, this.#from, this.#to)) name = { bytes: name.bytes, kind: MALFORMED };
    if (isKept) this.#keep(new KnownField(name, copyOf(value, this.#from, this.#to)));
    block.add(name, value, this.#from, this.#to);
    return true;
  }

  #field(index: number): KnownField | undefined {
    if (index <= STATIC.length) return STATIC[index - 1];
    const age = index - STATIC.length;
    return age > this.#length ? undefined : this.#dynamic[(this.#count - age) % this.#dynamic.length];
  }

  #keep(field: KnownField): void {
    const { size } = field;
    // One that is larger than the table empties it (RFC 7541 §4.4).
    this.#evict(this.#allowed - size);
    if (size > this.#allowed) return;
    this.#dynamic[this.#count++ % this.#dynamic.length] = field;
    this.#length++;
    this.#size += size;
  }

  #evict(most: number): void {
    while (this.#size > most && this.#length > 0) {
      const at = (this.#count - this.#length--) % this.#dynamic.length;
      this.#size -= this.#dynamic[at]!.size;
      this.#dynamic[at] = undefined;
    }
  }

  /** An integer (RFC 7541 §5.1); -1: it has no end, or is larger than anything that is counted here. */
  #number(bytes: Uint8Array, to: number, mask: number): number {
    let value = bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= to) return -1;
      const byte = bytes[this.#at++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }

  /** A string (RFC 7541 §5.2). */
  #string(bytes: Uint8Array, to: number): boolean {
    if (this.#at >= to) return false;
    const isCoded = (bytes[this.#at]! & 0x80) !== 0;
    const length = this.#number(bytes, to, 0x7f);
    const from = this.#at;
    const end = from + length;
    if (length < 0 || end > to) return false;
    this.#at = end;
    if (!isCoded) {
      this.#bytes = bytes;
      this.#from = from;
      this.#to = end;
      return true;
    }
    // The shortest code has five bits.
    if (this.#textEnd + Math.ceil((length * 8) / 5) > texts.length) return false;
    const textEnd = decodeHuffman(bytes, from, end, texts, this.#textEnd);
    if (textEnd < 0) return false;
    this.#bytes = texts;
    this.#from = this.#textEnd;
    this.#to = textEnd;
    this.#textEnd = textEnd;
    return true;
  }
}
