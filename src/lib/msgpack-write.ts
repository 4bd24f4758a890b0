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

/** Writes a value in the msgpack format, as hashicorp/go-msgpack 0.5 does. A number that is no whole one is a float. */
export function pack(value: Packable): Buffer {
  const pieces: Uint8Array[] = [];
  put(value, pieces);
  return Buffer.concat(pieces);
}

function put(value: Packable, into: Uint8Array[]): void {
  if (value === undefined || value === null) into.push(Buffer.of(0xc0));
  else if (typeof value === 'boolean') into.push(Buffer.of(value ? 0xc3 : 0xc2));
  else if (typeof value === 'bigint') into.push(whole(value));
  else if (typeof value === 'number')
    into.push(Number.isSafeInteger(value) && !Object.is(value, -0) ? whole(BigInt(value)) : float(value));
  else if (typeof value === 'string') putBytes(Buffer.from(value), into);
  else if (value instanceof Uint8Array) putBytes(value, into);
  else if (Array.isArray(value)) {
    into.push(head(value.length, 0x90, 16, 0xdc));
    for (const one of value as readonly Packable[]) put(one, into);
  } else {
    const entries = Object.entries(value as { readonly [name: string]: Packable });
    into.push(head(entries.length, 0x80, 16, 0xde));
    for (const [name, one] of entries) {
      putBytes(Buffer.from(name), into);
      put(one, into);
    }
  }
}

function putBytes(bytes: Uint8Array, into: Uint8Array[]): void {
  into.push(head(bytes.length, 0xa0, 32, 0xda), bytes);
}

/** How long it is: within the first byte below `short`, else in two bytes behind `long`, or in four behind the next. */
function head(size: number, first: number, short: number, long: number): Buffer {
  if (size < short) return Buffer.of(first | size);
  const bytes = Buffer.alloc(size < 0x1_0000 ? 3 : 5);
  bytes[0] = bytes.length === 3 ? long : long + 1;
  bytes.writeUIntBE(size, 1, bytes.length - 1);
  return bytes;
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** Of 64 bits, with a sign only where there is one. Throws `RangeError` for more. */
function whole(value: bigint): Buffer {
  if (value >= 0n && value < 0x80n) return Buffer.of(Number(value));
  if (value < 0n && value >= -32n) return Buffer.of(0x100 + Number(value));
  const bytes = Buffer.alloc(9);
  bytes[0] = value < 0n ? 0xd3 : 0xcf;
  if (value < 0n) bytes.writeBigInt64BE(value, 1);
  else bytes.writeBigUInt64BE(value, 1);
  return bytes;
}
