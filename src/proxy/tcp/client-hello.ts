/**
 * What a TLS client says first (RFC 8446 4.1.2, RFC 5246 7.4.1.2, RFC 6066 3): the name of the server it wants. Read in front of a
 * connection that is passed on as it is; nothing is decrypted. A pure function of bytes.
 */

export interface ClientHello {
  /** In lower case; "" when the client names none. */
  readonly serverName: string;
}

/** Bytes of a whole hello with its record headers. Those of browsers have up to 2 kB; Go's TLS takes as much as this. */
export const MAX_HELLO = 65_536;

const HANDSHAKE_RECORD = 22;
const RECORD_HEADER = 5;
const MAX_RECORD = 16_384;
const CLIENT_HELLO = 1;
const MESSAGE_HEADER = 4;
const SERVER_NAME = 0;
const HOST_NAME = 0;
/** A name as DNS takes it (RFC 1035 2.3.4), in text. */
const MAX_NAME = 253;

/** False: whoever begins so speaks something else than TLS. */
export function mayBeHello(bytes: Uint8Array): boolean {
  return bytes.length === 0 || bytes[0] === HANDSHAKE_RECORD;
}

/** What [start, end) begins with: a hello, not enough of one to tell (`more`), or something else (`invalid`). */
export function parseClientHello(
  bytes: Uint8Array,
  start: number,
  end: number,
): ClientHello | 'more' | 'invalid' {
  return new HelloScan().scan(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start));
}

/** The same of one that comes in pieces: goes on where it was, so that neither small pieces nor small records cost more than their bytes. */
export class HelloScan {
  /** Where the record begins that is being read. */
  #at = 0;
  /** Bytes of the message in the records before it. */
  #gathered = 0;
  /** Of the whole message. */
  #size = Number.POSITIVE_INFINITY;

  /** `received`: all that has come so far, from the first byte on. */
  scan(received: Buffer): ClientHello | 'more' | 'invalid' {
    for (;;) {
      if (this.#at >= MAX_HELLO) return 'invalid';
      const header = received.subarray(this.#at, this.#at + RECORD_HEADER);
      if (header.length > 0 && header[0] !== HANDSHAKE_RECORD) return 'invalid';
      if (header.length > 1 && header[1] !== 3) return 'invalid';
      if (header.length < RECORD_HEADER) return 'more';
      const length = header.readUInt16BE(3);
      if (length === 0 || length > MAX_RECORD) return 'invalid';
      const from = this.#at + RECORD_HEADER;
      // As much of the record as has come: a hello is known to be wrong, or too long, as soon as it is.
      const here = Math.min(length, received.length - from);
      if (this.#gathered === 0 && here > 0 && received[from] !== CLIENT_HELLO) return 'invalid';
      const gathered = this.#gathered + here;
      if (this.#size === Number.POSITIVE_INFINITY && gathered >= MESSAGE_HEADER)
        this.#size = MESSAGE_HEADER + messageIn(received, MESSAGE_HEADER).readUIntBE(1, 3);
      if (this.#size !== Number.POSITIVE_INFINITY && this.#size > MAX_HELLO) return 'invalid';
      if (gathered >= this.#size) return readBody(messageIn(received, this.#size).subarray(MESSAGE_HEADER));
      if (here < length) return 'more';
      this.#gathered = gathered;
      this.#at = from + length;
    }
  }
}

/** The first `size` bytes of the message in records that were looked at. */
function messageIn(received: Buffer, size: number): Buffer {
  const fragments: Buffer[] = [];
  let left = size;
  for (let at = 0; left > 0; ) {
    const from = at + RECORD_HEADER;
    at = from + received.readUInt16BE(at + 3);
    const fragment = received.subarray(from, Math.min(at, from + left));
    fragments.push(fragment);
    left -= fragment.length;
  }
  return Buffer.concat(fragments, size);
}

/** Reads values one behind the other; past the end it remembers that it failed and yields nothing more. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  failed = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** A number of `size` bytes. */
  number(size: 1 | 2): number {
    const bytes = this.take(size);
    return bytes.length === size ? bytes.readUIntBE(0, size) : 0;
  }

  /** Bytes with their length in `size` bytes in front. */
  vector(size: 1 | 2): Buffer {
    return this.take(this.number(size));
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) {
      this.failed = true;
      this.#at = this.#bytes.length;
      return Buffer.alloc(0);
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function readBody(body: Buffer): ClientHello | 'invalid' {
  const reader = new Reader(body);
  const major = reader.number(2) >> 8;
  reader.take(32);
  const session = reader.vector(1);
  const suites = reader.vector(2);
  const compression = reader.vector(1);
  if (reader.failed || major !== 3 || session.length > 32) return 'invalid';
  if (suites.length === 0 || suites.length % 2 !== 0 || compression.length === 0) return 'invalid';
  if (reader.isAtEnd) return { serverName: '' };
  const extensions = new Reader(reader.vector(2));
  if (reader.failed || !reader.isAtEnd) return 'invalid';
  let serverName: string | undefined;
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const value = extensions.vector(2);
    if (extensions.failed) return 'invalid';
    if (type !== SERVER_NAME) continue;
    // Twice the same extension could be read in two ways.
    if (serverName !== undefined) return 'invalid';
    serverName = readServerName(value);
    if (serverName === undefined) return 'invalid';
  }
  return { serverName: serverName ?? '' };
}

/** Undefined when it is malformed. Names of other types than host names, which nobody has defined, are passed over. */
function readServerName(value: Buffer): string | undefined {
  const outer = new Reader(value);
  const list = new Reader(outer.vector(2));
  if (outer.failed || !outer.isAtEnd || list.isAtEnd) return undefined;
  let found: string | undefined;
  while (!list.isAtEnd) {
    const type = list.number(1);
    const name = list.vector(2);
    if (list.failed) return undefined;
    if (type !== HOST_NAME) continue;
    if (found !== undefined || name.length === 0 || name.length > MAX_NAME) return undefined;
    // Printable ASCII without white space; the dot at the end is not part of it (RFC 6066 3).
    if (name.some((byte) => byte <= 0x20 || byte >= 0x7f)) return undefined;
    found = name.toString('latin1').toLowerCase();
    if (found.endsWith('.')) return undefined;
  }
  return found;
}
