/**
 * The PROXY protocol, versions 1 and 2 (haproxy.org/download/2.9/doc/proxy-protocol.txt): who is at the other end of a
 * connection that came through a proxy, told in front of its first byte. Pure functions of bytes.
 */
import { addressBytes, addressText } from '../lib/ip.ts';

/** One end of a connection: an IP address as text, without brackets, and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface ProxyHeader {
  /** Bytes of the header: what follows is the connection's own. */
  readonly length: number;
  /**
   * Who is connected to whom. Undefined when the header does not say (a health check of the proxy, an unknown
   * family): the addresses of the connection itself stand.
   */
  readonly ends: { readonly source: Endpoint; readonly destination: Endpoint } | undefined;
}

/** As the specification has it: the longest line of version 1, CRLF included. */
const V1_MOST = 107;
/** Header, addresses and extensions of version 2. The format allows 64 kB; certificates' names and the like take a few hundred bytes. */
const V2_MOST = 4_096;
const V2_FIXED = 16;
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V1_START = Buffer.from('PROXY ', 'latin1');
const CR = 0x0d;
const LF = 0x0a;

const LOCAL = 0x20;
const PROXY = 0x21;
/** Bytes of an address, by the family's nibble; 0: addresses that say nothing to us (unspecified, Unix sockets). */
const ADDRESS_BYTES = [0, 4, 16, 0] as const;
const UNIX_BYTES = 216;
const UNIX = 3;

/** Whether connections begin with a header: `optional` where those that begin with something else are taken as they are. */
export type AcceptProxy = boolean | 'optional';

/** What [start, end) begins with: a header, not enough of one to tell (`more`), or something else (`invalid`). */
export function parseProxyHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
): ProxyHeader | 'more' | 'invalid' {
  const received = bytes.subarray(start, end);
  if (received.length === 0) return 'more';
  if (startsAlike(received, V1_START)) return parseV1(received);
  return startsAlike(received, SIGNATURE) ? parseV2(received) : 'invalid';
}

/** Whether `bytes` can become no header, whatever follows. */
export function beginsOtherwise(bytes: Uint8Array): boolean {
  return !startsAlike(bytes, V1_START) && !startsAlike(bytes, SIGNATURE);
}

/** Whether what there is of `bytes` agrees with `start`. */
function startsAlike(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== start[i]) return false;
  return true;
}

function parseV1(received: Uint8Array): ProxyHeader | 'more' | 'invalid' {
  const line = received.subarray(0, V1_MOST);
  const end = line.indexOf(LF);
  if (end < 0) return line.length < V1_MOST ? 'more' : 'invalid';
  if (line[end - 1] !== CR) return 'invalid';
  const text = Buffer.from(line.subarray(0, end - 1)).toString('latin1');
  const length = end + 1;
  if (/^PROXY UNKNOWN(?: |$)/.test(text)) return { length, ends: undefined };
  const words = text.split(' ');
  if (words.length !== 6) return 'invalid';
  const [, family, from = '', to = '', fromPort = '', toPort = ''] = words;
  const isV4 = family === 'TCP4';
  if (!isV4 && family !== 'TCP6') return 'invalid';
  const source = endpoint(from, fromPort, isV4);
  const destination = endpoint(to, toPort, isV4);
  if (source === undefined || destination === undefined) return 'invalid';
  return { length, ends: { source, destination } };
}

function endpoint(text: string, port: string, isV4: boolean): Endpoint | undefined {
  const bytes = addressBytes(text);
  if (bytes === undefined || text.includes(':') === isV4) return undefined;
  if (!/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  return { address: addressText(bytes), port: Number(port) };
}

function parseV2(received: Uint8Array): ProxyHeader | 'more' | 'invalid' {
  if (received.length < V2_FIXED) return 'more';
  const view = Buffer.from(received.buffer, received.byteOffset, received.byteLength);
  const command = view.readUInt8(12);
  const family = view.readUInt8(13) >> 4;
  const transport = view.readUInt8(13) & 15;
  const length = V2_FIXED + view.readUInt16BE(14);
  if (command !== LOCAL && command !== PROXY) return 'invalid';
  if (family > UNIX || transport > 2 || length > V2_MOST) return 'invalid';
  if (received.length < length) return 'more';
  if (command === LOCAL) return { length, ends: undefined };
  const size = ADDRESS_BYTES[family] as number;
  const extensions = V2_FIXED + (family === UNIX ? UNIX_BYTES : size === 0 ? 0 : 2 * size + 4);
  if (!areExtensions(view, extensions, length)) return 'invalid';
  if (size === 0 || transport === 0) return { length, ends: undefined };
  const at = V2_FIXED;
  const address = (from: number) => addressText(unmapped(view.subarray(from, from + size)));
  const ports = at + 2 * size;
  return {
    length,
    ends: {
      source: { address: address(at), port: view.readUInt16BE(ports) },
      destination: { address: address(at + size), port: view.readUInt16BE(ports + 2) },
    },
  };
}

/** The IPv4 address that an IPv6 one stands for, or the bytes as they are. */
function unmapped(bytes: Uint8Array): Uint8Array {
  return addressBytes(addressText(bytes)) as Uint8Array;
}

/** Whether [at, end) is a sequence of type, length and value. What they say is of no interest here. */
function areExtensions(view: Buffer, at: number, end: number): boolean {
  let next = at;
  while (next + 3 <= end) next += 3 + view.readUInt16BE(next + 1);
  return next === end;
}

/** The header of a version, 0 for none. */
export function encodeProxy(version: 0 | 1 | 2, source: Endpoint, destination: Endpoint): Uint8Array {
  if (version === 0) return new Uint8Array();
  return version === 1 ? encodeProxyV1(source, destination) : encodeProxyV2(source, destination);
}

/** Version 1, one line of text. */
export function encodeProxyV1(source: Endpoint, destination: Endpoint): Buffer {
  const [from, to] = sameFamily(source, destination);
  const family = from.length === 4 ? 'TCP4' : 'TCP6';
  const words = ['PROXY', family, addressText(from), addressText(to), source.port, destination.port];
  return Buffer.from(`${words.join(' ')}\r\n`, 'latin1');
}

/** Version 2, binary; `isDatagram` for UDP. */
export function encodeProxyV2(source: Endpoint, destination: Endpoint, isDatagram = false): Buffer {
  const [from, to] = sameFamily(source, destination);
  const header = Buffer.alloc(V2_FIXED + 2 * from.length + 4);
  SIGNATURE.copy(header);
  header.writeUInt8(PROXY, 12);
  header.writeUInt8((from.length === 4 ? 0x10 : 0x20) | (isDatagram ? 2 : 1), 13);
  header.writeUInt16BE(header.length - V2_FIXED, 14);
  header.set(from, V2_FIXED);
  header.set(to, V2_FIXED + from.length);
  header.writeUInt16BE(source.port, header.length - 4);
  header.writeUInt16BE(destination.port, header.length - 2);
  return header;
}

/** Both addresses in one family: with one of each, the IPv4 one is written as an IPv6 one. */
function sameFamily(source: Endpoint, destination: Endpoint): [Uint8Array, Uint8Array] {
  const from = addressBytes(source.address) ?? new Uint8Array(4);
  const to = addressBytes(destination.address) ?? new Uint8Array(from.length);
  return from.length === to.length ? [from, to] : [mapped(from), mapped(to)];
}

function mapped(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 16) return bytes;
  const long = new Uint8Array(16);
  long.set([0xff, 0xff, ...bytes], 10);
  return long;
}
