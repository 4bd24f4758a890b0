/** HTTP/2's fields as HTTP/1.1's text and back: the engine speaks the latter, whatever its clients and instances speak. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { Fields } from '../http1/fields.ts';

/** About one connection, which is another one on each side (RFC 9113 §8.2.2). */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'http2-settings',
]);

/** Field lines, without what HTTP/2 says in another way; `without` are left out too. */
export function linesOf(headers: IncomingHttpHeaders, without: ReadonlySet<string> = NONE): string {
  let text = '';
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || OF_CONNECTION.has(name) || without.has(name) || value === undefined) continue;
    if (Array.isArray(value)) for (const one of value) text += `${name}: ${one}\r\n`;
    else text += `${name}: ${value}\r\n`;
  }
  return text;
}

const NONE: ReadonlySet<string> = new Set();

/** The fields of a scanned head. */
export function headersOf(bytes: Uint8Array, fields: Fields): OutgoingHttpHeaders {
  const headers = noFields();
  for (let i = 0; i < fields.count; i++) {
    const name = textOf(bytes, fields.start[i]!, fields.colon[i]!).toLowerCase();
    if (OF_CONNECTION.has(name)) continue;
    fields.trim(bytes, i);
    add(headers, name, textOf(bytes, fields.valueStart, fields.valueEnd));
  }
  return headers;
}

/** Trailers as `sendTrailers` takes them. */
export function trailersOf(lines: readonly (readonly [name: string, value: string])[]): OutgoingHttpHeaders {
  const headers = noFields();
  for (const [name, value] of lines) if (!OF_CONNECTION.has(name)) add(headers, name, value);
  return headers;
}

/** Fields that Node sends once in a message, or throws: of two the first counts, as with what Node itself receives. */
const SINGLE = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);
/** The same of fields that are lists: one line says what two did (RFC 9110 §5.3). */
const LISTS = new Set(['content-encoding', 'content-language', 'if-match', 'if-none-match']);

/** Without a prototype: a peer may call a field "constructor". */
function noFields(): Record<string, string | string[]> {
  return Object.create(null);
}

function add(headers: Record<string, string | string[]>, name: string, value: string): void {
  const known = headers[name];
  if (known === undefined) headers[name] = value;
  else if (Array.isArray(known)) known.push(value);
  else if (LISTS.has(name)) headers[name] = `${known}, ${value}`;
  else if (!SINGLE.has(name)) headers[name] = [known, value];
}

export function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}

export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

const CRLF = latin1('\r\n');

/** A part of a body in HTTP/1.1's chunked coding. */
export function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([latin1(`${bytes.length.toString(16)}\r\n`), bytes, CRLF]);
}

/** Its end; `trailers` are lines. */
export function lastChunkOf(trailers: string): Buffer {
  return latin1(`0\r\n${trailers}\r\n`);
}
