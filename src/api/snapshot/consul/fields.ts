import { NANOSECONDS_PER_MS } from '../../../lib/duration.ts';
import { MsgpackReader, type Packed } from '../../../lib/msgpack.ts';
import type { Json } from '../../json/parse.ts';

/** Says which field of a record is not what Consul writes there. */
export class FieldError extends Error {}

const NO_BYTES = Buffer.alloc(0);
/** From the year 1, where Go's times begin, to 1970. */
const EPOCH_SECONDS = 62_135_596_800n;

/**
 * The fields of a Go struct by their names. As in Go, what is missing or nil has its zero value, and what nobody asks for is
 * ignored. All methods throw `FieldError` for what is of another type.
 */
export class Fields {
  readonly #map: ReadonlyMap<string, Packed>;
  readonly #path: string;

  constructor(value: Packed, path = '') {
    if (!(value instanceof Map)) throw new FieldError(`${path === '' ? 'it' : path} is no struct`);
    this.#map = value;
    this.#path = path;
  }

  /** nil or missing: undefined. */
  packed(name: string): Packed | undefined {
    return this.#map.get(name) ?? undefined;
  }

  text(name: string): string {
    return this.bytes(name).toString();
  }

  /** A text that a row cannot do without. */
  needed(name: string): string {
    const text = this.text(name);
    if (text === '') throw new FieldError(`${this.#place(name)} is missing`);
    return text;
  }

  bytes(name: string): Buffer {
    const value = this.packed(name) ?? NO_BYTES;
    if (!Buffer.isBuffer(value)) throw this.#unfit(name, 'string');
    return value;
  }

  flag(name: string): boolean {
    const value = this.packed(name) ?? false;
    if (typeof value !== 'boolean') throw this.#unfit(name, 'boolean');
    return value;
  }

  /** A whole number that JavaScript holds exactly. */
  whole(name: string): number {
    const value = this.packed(name) ?? 0;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.#unfit(name, 'whole number');
    return value;
  }

  uint64(name: string): bigint {
    const value = this.packed(name) ?? 0;
    const isWhole = typeof value === 'bigint' || Number.isInteger(value);
    if (!isWhole || (value as number) < 0) throw this.#unfit(name, 'unsigned number');
    return BigInt(value as number | bigint);
  }

  float(name: string): number {
    return floatOf(this.packed(name) ?? 0, this.#place(name));
  }

  floats(name: string): number[] {
    return this.#list(name).map((value, i) => floatOf(value, `${this.#place(name)}[${i}]`));
  }

  /** A duration in ms. */
  duration(name: string): number {
    return Number(this.packed(name) === undefined ? 0n : this.#int64(name)) / NANOSECONDS_PER_MS;
  }

  /** ms since the epoch; undefined when there is none. */
  time(name: string): number | undefined {
    if (this.packed(name) === undefined) return undefined;
    const bytes = this.bytes(name);
    // Go's `time.Time.MarshalBinary`: version, seconds, nanoseconds, offset of the zone.
    if (bytes.length < 15 || (bytes[0] !== 1 && bytes[0] !== 2)) throw this.#unfit(name, 'time');
    const seconds = bytes.readBigInt64BE(1);
    if (seconds === 0n) return undefined;
    return Number(seconds - EPOCH_SECONDS) * 1000 + Math.floor(bytes.readInt32BE(9) / NANOSECONDS_PER_MS);
  }

  /** null when it is nil. */
  texts(name: string): string[] | null {
    if (this.packed(name) === undefined) return null;
    return this.#list(name).map((value, i) => {
      if (!Buffer.isBuffer(value)) throw new FieldError(`${this.#place(name)}[${i}] is no string`);
      return value.toString();
    });
  }

  /** null when it is nil. */
  textMap(name: string): Record<string, string> | null {
    return this.map(name, textOf);
  }

  /** null when it is nil. */
  map<T>(name: string, of: (value: Packed, place: string) => T): Record<string, T> | null {
    const value = this.packed(name);
    if (value === undefined) return null;
    if (!(value instanceof Map)) throw this.#unfit(name, 'map');
    const place = this.#place(name);
    return Object.fromEntries(
      [...(value as ReadonlyMap<string, Packed>)].map(([key, one]) => [key, of(one, `${place}[${key}]`)]),
    );
  }

  struct(name: string): Fields {
    return new Fields(this.packed(name) ?? new Map(), this.#place(name));
  }

  /** undefined when it is nil. */
  pointer(name: string): Fields | undefined {
    return this.packed(name) === undefined ? undefined : this.struct(name);
  }

  structs(name: string): Fields[] {
    return this.#list(name).map((value, i) => new Fields(value, `${this.#place(name)}[${i}]`));
  }

  #list(name: string): readonly Packed[] {
    const value = this.packed(name) ?? [];
    if (!Array.isArray(value)) throw this.#unfit(name, 'list');
    return value as readonly Packed[];
  }

  #int64(name: string): bigint {
    const value = this.packed(name);
    if (typeof value !== 'bigint' && !Number.isInteger(value)) throw this.#unfit(name, 'whole number');
    return BigInt(value as number | bigint);
  }

  #place(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #unfit(name: string, type: string): FieldError {
    return new FieldError(`${this.#place(name)} is no ${type}`);
  }
}

export function textOf(value: Packed, place: string): string {
  if (!Buffer.isBuffer(value)) throw new FieldError(`${place} is no string`);
  return value.toString();
}

function floatOf(value: Packed, place: string): number {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  if (!isNumber || !Number.isFinite(Number(value))) throw new FieldError(`${place} is no number`);
  return Number(value);
}

/** As JSON has it: bytes are text there, and what it has no word for is null. */
export function jsonOf(value: Packed): Json {
  if (Buffer.isBuffer(value)) return value.toString();
  if (Array.isArray(value)) return (value as readonly Packed[]).map(jsonOf);
  if (value instanceof Map)
    return new Map([...(value as ReadonlyMap<string, Packed>)].map(([key, one]) => [key, jsonOf(one)]));
  return typeof value === 'object' ? null : value;
}

/** A struct that stands encoded by itself within another, as Go's `BinaryMarshaler` leaves it, or as it is. */
export function unwrapped(value: Packed): Packed {
  return Buffer.isBuffer(value) ? new MsgpackReader(value).read() : value;
}

/** What `Fields.time` reads: in UTC, and Go's zero time for 0. */
export function goTime(ms: number): Buffer {
  const bytes = Buffer.alloc(15);
  bytes[0] = 1;
  // No offset: UTC.
  bytes.writeInt16BE(-1, 13);
  if (ms === 0) return bytes;
  const seconds = Math.floor(ms / 1000);
  bytes.writeBigInt64BE(BigInt(seconds) + EPOCH_SECONDS, 1);
  bytes.writeInt32BE(Math.floor((ms - seconds * 1000) * NANOSECONDS_PER_MS), 9);
  return bytes;
}
