/**
 * Header blocks written (RFC 7541). What comes a second time goes into the table and is one byte from then on: what is new in every message
 * (lengths, tags, trace ids) never pushes anything out of it. Hot path: nothing is allocated for a field that is known, and one that stands
 * where it stood in the block before is found by one comparison.
 */
import { latin1 } from '../../http1/bytes.ts';
import { encodeHuffman, huffmanLength } from './huffman.ts';
import { OVERHEAD, STATIC_FIELDS, TABLE } from './static-table.ts';

/** No entry is larger: a few of those would push everything else out. */
const LARGEST = TABLE / 4;
/** Hashes of fields that came once. */
const REMEMBERED = 256;
/** Fields of a block whose places are remembered. */
const PLACES = 32;

/** Never in the table, where an attacker could guess them, nor kept by anybody on the way (RFC 7541 §7.1). */
const SECRET: readonly Uint8Array[] = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie'].map(
  latin1,
);

interface Entry {
  /** Name and value behind each other, the name in lower case. */
  readonly text: Uint8Array;
  readonly nameLength: number;
  readonly hash: number;
  /** How many came before it. Of the static table: its index, negative. */
  readonly number: number;
  /** Another one with the same hash. */
  next: Entry | undefined;
}

function hashOf(bytes: Uint8Array, from: number, to: number, seed: number): number {
  let hash = seed;
  for (let p = from; p < to; p++) hash = Math.imul(hash ^ bytes[p]!, 0x01000193);
  return hash;
}

const SEED = 0x811c9dc5 | 0;

/** Of the static table, the first of each name by its hash, and each that has a value by that of both. */
const staticNames = new Map<number, Entry>();
const staticFields = new Map<number, Entry>();
for (const [i, [name, value]] of STATIC_FIELDS.entries()) {
  const text = latin1(name + value);
  const nameHash = hashOf(text, 0, name.length, SEED);
  const hash = hashOf(text, name.length, text.length, nameHash);
  const entry = { text, nameLength: name.length, hash, number: -(i + 1), next: undefined };
  if (!staticNames.has(nameHash)) staticNames.set(nameHash, entry);
  if (value.length > 0) staticFields.set(hash, entry);
}

/** The same, of the commonest statuses. */
const statuses = new Map(
  STATIC_FIELDS.flatMap(([name, value], i) => (name === ':status' ? [[Number(value), i + 1] as const] : [])),
);

/** The name that is being written, in lower case. */
let name = new Uint8Array(256);

export class Encoder {
  readonly #entries = new Map<number, Entry>();
  /** The first that came is the first. */
  #order: Entry[] = [];
  /** Of `#order`, those that are not there any more. */
  #gone = 0;
  /** How many came, and how many of them are not there any more. */
  #count = 0;
  #evicted = 0;
  /** What the fields of the last blocks were, by their place. */
  readonly #expected = new Array<Entry | undefined>(PLACES).fill(undefined);
  /** How many fields of this block were written. */
  #place = 0;
  #size = 0;
  #most = TABLE;
  /** The smallest size since the last block: the peer is to be told of it, and of what it is now (RFC 7541 §4.2). */
  #smallest = TABLE;
  /** What the peer was told. */
  #told = TABLE;
  readonly #seen = new Int32Array(REMEMBERED);
  #out: Uint8Array = new Uint8Array();
  #end = 0;

  /** The peer has room for so much. */
  resize(most: number): void {
    const allowed = Math.min(most, TABLE);
    this.#most = allowed;
    this.#smallest = Math.min(this.#smallest, allowed);
    this.#evict(allowed);
  }

  /** Begins a block at `at` of `out`, in which there has to be room for all that comes, 16 bytes a field, and 8 besides. */
  begin(out: Uint8Array, at: number): void {
    this.#out = out;
    this.#end = at;
    this.#place = 0;
    if (this.#smallest < this.#told) this.#tell(this.#smallest);
    if (this.#most !== this.#told) this.#tell(this.#most);
    this.#smallest = this.#most;
  }

  #tell(size: number): void {
    this.#number(0x20, 0x1f, size);
    this.#told = size;
  }

  /** Behind what was written. */
  get end(): number {
    return this.#end;
  }

  /** `:status` */
  status(code: number): void {
    const known = statuses.get(code);
    if (known !== undefined) {
      this.#number(0x80, 0x7f, known);
      return;
    }
    const text = latin1(String(code));
    this.field(STATUS, 0, STATUS.length, text, 0, text.length);
  }

  text(fieldName: string, value: string): void {
    const nameBytes = latin1(fieldName);
    const bytes = latin1(value);
    this.field(nameBytes, 0, nameBytes.length, bytes, 0, bytes.length);
  }

  /** A field whose name, in letters of any case, and value are ranges. */
  field(
    names: Uint8Array,
    nameFrom: number,
    nameTo: number,
    values: Uint8Array,
    from: number,
    to: number,
  ): void {
    const nameLength = nameTo - nameFrom;
    const place = this.#place++;
    const expected = place < PLACES ? this.#expected[place] : undefined;
    if (
      expected !== undefined &&
      this.#isThere(expected) &&
      expected.nameLength === nameLength &&
      isSame(expected.text, nameLength, values, from, to) &&
      isNamed(expected.text, names, nameFrom, nameLength)
    ) {
      this.#number(0x80, 0x7f, this.#indexOf(expected));
      return;
    }
    if (name.length < nameLength) name = new Uint8Array(2 * nameLength);
    let nameHash = SEED;
    for (let i = 0; i < nameLength; i++) {
      const byte = lowerCase(names[nameFrom + i]!);
      name[i] = byte;
      nameHash = Math.imul(nameHash ^ byte, 0x01000193);
    }
    const hash = hashOf(values, from, to, nameHash);
    const known =
      this.#find(staticFields.get(hash), nameLength, values, from, to) ??
      this.#find(this.#entries.get(hash), nameLength, values, from, to);
    if (known !== undefined) {
      if (place < PLACES) this.#expected[place] = known;
      this.#number(0x80, 0x7f, this.#indexOf(known));
      return;
    }
    const named = staticNames.get(nameHash);
    const nameIndex =
      named?.nameLength === nameLength && startsWithName(named.text, nameLength) ? -named.number : 0;
    if (isSecret(nameLength)) {
      this.#literal(0x10, 0x0f, nameIndex, nameLength, values, from, to);
      return;
    }
    const size = nameLength + to - from + OVERHEAD;
    const slot = hash & (REMEMBERED - 1);
    const isWorth = this.#seen[slot] === hash && size <= Math.min(LARGEST, this.#most);
    if (isWorth) this.#keep(hash, nameLength, values, from, to, size);
    else this.#seen[slot] = hash;
    this.#literal(isWorth ? 0x40 : 0, isWorth ? 0x3f : 0x0f, nameIndex, nameLength, values, from, to);
  }

  #isThere(entry: Entry): boolean {
    return entry.number < 0 || entry.number >= this.#evicted;
  }

  #indexOf(entry: Entry): number {
    return entry.number < 0 ? -entry.number : STATIC_FIELDS.length + this.#count - entry.number;
  }

  /** The one among those with the hash that is the field which is being written. */
  #find(
    first: Entry | undefined,
    nameLength: number,
    values: Uint8Array,
    from: number,
    to: number,
  ): Entry | undefined {
    let entry = first;
    while (
      entry !== undefined &&
      !(
        entry.nameLength === nameLength &&
        isSame(entry.text, nameLength, values, from, to) &&
        startsWithName(entry.text, nameLength)
      )
    )
      entry = entry.next;
    return entry;
  }

  #keep(hash: number, nameLength: number, values: Uint8Array, from: number, to: number, size: number): void {
    this.#evict(this.#most - size);
    const text = new Uint8Array(nameLength + to - from);
    text.set(name.subarray(0, nameLength));
    text.set(values.subarray(from, to), nameLength);
    const entry = { text, nameLength, hash, number: this.#count++, next: this.#entries.get(hash) };
    this.#entries.set(hash, entry);
    this.#order.push(entry);
    this.#size += size;
  }

  #evict(most: number): void {
    while (this.#size > most) {
      const oldest = this.#order[this.#gone++]!;
      this.#evicted++;
      this.#size -= oldest.text.length + OVERHEAD;
      this.#forget(oldest);
    }
    if (this.#gone < this.#order.length / 2) return;
    this.#order = this.#order.slice(this.#gone);
    this.#gone = 0;
  }

  /** Of several with one hash the oldest is the last. */
  #forget(oldest: Entry): void {
    const first = this.#entries.get(oldest.hash)!;
    if (first === oldest) {
      this.#entries.delete(oldest.hash);
      return;
    }
    let entry = first;
    while (entry.next !== oldest) entry = entry.next!;
    entry.next = undefined;
  }

  #literal(
    pattern: number,
    mask: number,
    nameIndex: number,
    nameLength: number,
    values: Uint8Array,
    from: number,
    to: number,
  ): void {
    this.#number(pattern, mask, nameIndex);
    if (nameIndex === 0) this.#string(name, 0, nameLength);
    this.#string(values, from, to);
  }

  #string(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    const coded = huffmanLength(bytes, from, to);
    if (coded < length) {
      this.#number(0x80, 0x7f, coded);
      this.#end = encodeHuffman(bytes, from, to, this.#out, this.#end);
      return;
    }
    this.#number(0, 0x7f, length);
    for (let p = from; p < to; p++) this.#out[this.#end++] = bytes[p]!;
  }

  /** An integer (RFC 7541 §5.1). */
  #number(pattern: number, mask: number, value: number): void {
    const out = this.#out;
    if (value < mask) {
      out[this.#end++] = pattern | value;
      return;
    }
    out[this.#end++] = pattern | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) out[this.#end++] = (rest & 0x7f) | 0x80;
    out[this.#end++] = rest;
  }
}

const STATUS = latin1(':status');

function startsWithName(text: Uint8Array, nameLength: number): boolean {
  for (let i = 0; i < nameLength; i++) if (text[i] !== name[i]) return false;
  return true;
}

/** Whether a text begins with a name that is in letters of any case. */
function isNamed(text: Uint8Array, names: Uint8Array, from: number, length: number): boolean {
  for (let i = 0, p = from; i < length; i++, p++) {
    const byte = names[p]!;
    if (text[i] !== byte && text[i] !== lowerCase(byte)) return false;
  }
  return true;
}

function lowerCase(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}

function isSecret(nameLength: number): boolean {
  for (const secret of SECRET)
    if (secret.length === nameLength && startsWithName(secret, nameLength)) return true;
  return false;
}

/** Whether `text` is from `at` on what lies in [from, to), as far as that goes. */
function isSame(text: Uint8Array, at: number, values: Uint8Array, from: number, to: number): boolean {
  if (text.length - at !== to - from) return false;
  for (let p = from, q = at; p < to; p++, q++) if (text[q] !== values[p]) return false;
  return true;
}
