/** Heads of requests as nearly all clients send them, told from all others by one look. */
import type { IncomingHttpHeaders } from 'node:http';

export interface PlainHead {
  readonly method: string;
  readonly url: string;
  /** As they came, names and values by turns. */
  readonly rawHeaders: readonly string[];
  /** Bytes of the body. */
  readonly length: number;
}

/** No part of it can be read in two ways: a head that is long and does not fit is told in one pass. */
const HEAD =
  /^(GET|PUT|POST|DELETE) (\/[!-~\x80-\xff]*) HTTP\/1\.1\r\n((?:[A-Za-z0-9_-]+:[\t -~]*\r\n)+)\r\n$/;
/** More fields than any client has a use for. */
const MOST_FIELDS = 100;

/**
 * Reads a head up to its empty line. Undefined for what is not of the common kind, or asks for something of the connection: it is
 * for Node's server to understand or to refuse.
 */
export function readPlainHead(text: string): PlainHead | undefined {
  const match = HEAD.exec(text);
  if (match === null) return undefined;
  const lines = match[3] as string;
  const rawHeaders: string[] = [];
  let hasHost = false;
  let length: number | undefined;
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(':', at);
    const end = lines.indexOf('\r', colon);
    const name = lines.slice(at, colon);
    const value = lines.slice(colon + 1, end).trim();
    at = end + 2;
    rawHeaders.push(name, value);
    // By its length a name is told from most others.
    switch (name.length) {
      case 4:
        hasHost ||= name.toLowerCase() === 'host';
        break;
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        if (length !== undefined || !/^\d{1,9}$/.test(value)) return undefined;
        length = Number(value);
        break;
      case 10:
        if (name.toLowerCase() === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined;
        break;
      case 6:
      case 7:
      case 16:
      case 17:
        if (OF_CONNECTION.has(name.toLowerCase())) return undefined;
    }
  }
  if (!hasHost || rawHeaders.length > 2 * MOST_FIELDS) return undefined;
  return { method: match[1] as string, url: escaped(match[2] as string), rawHeaders, length: length ?? 0 };
}

/** A target with the escapes that it lacks: curl sends what it is given, as bytes, which Node's server refuses. */
function escaped(target: string): string {
  return target.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

const OF_CONNECTION: ReadonlySet<string> = new Set([
  'expect',
  'trailer',
  'upgrade',
  'proxy-connection',
  'transfer-encoding',
]);

/** Of these Node takes the first one, and joins all others. */
const ONCE: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'referer',
  'user-agent',
]);

/** By lower-case name, as Node has them. */
export function headersOf(rawHeaders: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    const value = rawHeaders[i + 1] as string;
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (!ONCE.has(name)) headers[name] = `${known}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return headers;
}
