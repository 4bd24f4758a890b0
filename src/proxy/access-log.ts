/** Lines about requests: `common`, `combined`, `json`, or a text with `$fields` in fabio's names. */
import { formatHostPort } from '../lib/host-port.ts';
import { nearest } from '../lib/nearest.ts';

/** What is known of a request that is over. */
export interface AccessEntry {
  readonly remoteHost: string;
  /** 0 where it is not known. */
  readonly remotePort: number;
  /** "" where no head was read: what came is no request, or has not come in time. */
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly uri: string;
  readonly host: string;
  readonly proto: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2.0';
  /** "http", "https", "ws", "wss", or what a proxy in front of us told. */
  readonly scheme: string;
  /** Values by lower-case name, of the fields the format names; "" without. */
  readonly headers: Readonly<Record<string, string>>;
  /** 499: the connection ended before there was one. */
  readonly status: number;
  /** Bytes behind the head. */
  readonly size: number;
  /** Milliseconds since the epoch, with fractions. */
  readonly start: number;
  readonly end: number;
  /** "" and 0 when no instance was asked. */
  readonly service: string;
  readonly upstreamHost: string;
  readonly upstreamPort: number;
  readonly upstreamScheme: 'http' | 'https';
  /** As the instance was sent it. */
  readonly upstreamUri: string;
  /** Of the trace context that the instance was told (W3C), in hexadecimal; "" when it was told none by us. */
  readonly traceId: string;
  readonly spanId: string;
}

type Field = (entry: AccessEntry) => string;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number) => String(value).padStart(2, '0');

function commonTime(ms: number): string {
  const date = new Date(ms);
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${time} +0000`;
}

/** With so many digits behind the second. */
function rfc3339(ms: number, digits: number): string {
  const whole = new Date(ms).toISOString().slice(0, 19);
  const fraction = (ms / 1_000 - Math.floor(ms / 1_000)).toFixed(9).slice(2, 2 + digits);
  return digits === 0 ? `${whole}Z` : `${whole}.${fraction}Z`;
}

const seconds = (entry: AccessEntry, digits: number) => ((entry.end - entry.start) / 1_000).toFixed(digits);
const upstreamAddress = ({ upstreamHost, upstreamPort }: AccessEntry) =>
  upstreamHost === '' ? '' : formatHostPort(upstreamHost, upstreamPort);

/** Every field by its name. A new one is a line here. */
const FIELDS = {
  remote_addr: ({ remoteHost, remotePort }) =>
    remotePort === 0 ? remoteHost : formatHostPort(remoteHost, remotePort),
  remote_host: ({ remoteHost }) => remoteHost,
  remote_port: ({ remotePort }) => (remotePort === 0 ? '' : String(remotePort)),
  request: ({ method, uri, proto }) => (method === '' ? '-' : `${method} ${uri} ${proto}`),
  request_args: ({ uri }) => (uri.includes('?') ? uri.slice(uri.indexOf('?') + 1) : ''),
  request_host: ({ host }) => host,
  request_method: ({ method }) => method,
  request_scheme: ({ scheme }) => scheme,
  request_uri: ({ uri }) => uri,
  request_url: ({ method, scheme, host, uri }) => (method === '' ? '' : `${scheme}://${host}${uri}`),
  request_proto: ({ proto }) => proto,
  response_body_size: ({ size }) => String(size),
  response_status: ({ status }) => String(status),
  response_time_ms: (entry) => seconds(entry, 3),
  response_time_us: (entry) => seconds(entry, 6),
  response_time_ns: (entry) => seconds(entry, 9),
  time_unix_ms: ({ end }) => String(Math.floor(end)),
  time_unix_us: ({ end }) => String(Math.floor(end * 1_000)),
  time_unix_ns: ({ end }) => `${Math.floor(end * 1_000)}000`,
  time_common: ({ end }) => commonTime(end),
  time_rfc3339: ({ end }) => rfc3339(end, 0),
  time_rfc3339_ms: ({ end }) => rfc3339(end, 3),
  time_rfc3339_us: ({ end }) => rfc3339(end, 6),
  time_rfc3339_ns: ({ end }) => rfc3339(end, 9),
  trace_id: ({ traceId }) => traceId,
  span_id: ({ spanId }) => spanId,
  upstream_addr: upstreamAddress,
  upstream_host: ({ upstreamHost }) => upstreamHost,
  upstream_port: ({ upstreamPort }) => (upstreamPort === 0 ? '' : String(upstreamPort)),
  upstream_request_scheme: ({ upstreamScheme, upstreamHost }) => (upstreamHost === '' ? '' : upstreamScheme),
  upstream_request_uri: ({ upstreamUri }) => upstreamUri,
  upstream_request_url: (entry) =>
    entry.upstreamHost === ''
      ? ''
      : `${entry.upstreamScheme}://${upstreamAddress(entry)}${entry.upstreamUri}`,
  upstream_service: ({ service }) => service,
} as const satisfies Record<string, Field>;

const COMMON = '$remote_host - - [$time_common] "$request" $response_status $response_body_size';

/** Formats by name. */
const NAMED: Readonly<Record<string, string>> = {
  common: COMMON,
  combined: `${COMMON} "$header.Referer" "$header.User-Agent"`,
};

const FIELD = /\$(?:header\.([A-Za-z0-9-]+)|([a-z_0-9]+))/g;

export interface AccessFormat {
  /** Lower-case names of the header fields it needs. */
  readonly headers: readonly string[];
  /** One line with its end. */
  line(entry: AccessEntry): string;
}

/** What is wrong with a format; undefined when nothing is. */
export function checkAccessFormat(format: string): string | undefined {
  for (const [, header, name = ''] of (NAMED[format] ?? format).matchAll(FIELD)) {
    if (header !== undefined || Object.hasOwn(FIELDS, name)) continue;
    const near = nearest(name, Object.keys(FIELDS));
    return `there is no field $${name}${near === undefined ? '' : `; did you mean $${near}?`}`;
  }
  return undefined;
}

export function accessFormat(format: string): AccessFormat {
  if (format === 'json') return JSON_FORMAT;
  const text = NAMED[format] ?? format;
  const headers = new Set<string>();
  const parts: Field[] = [];
  let at = 0;
  for (const match of text.matchAll(FIELD)) {
    const [whole, header, name = ''] = match;
    const literal = text.slice(at, match.index);
    at = match.index + whole.length;
    parts.push(() => literal);
    if (header === undefined) {
      const field: Field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof typeof FIELDS] : () => whole;
      parts.push((entry) => inLine(field(entry)));
    } else {
      const key = header.toLowerCase();
      headers.add(key);
      parts.push((entry) => inLine(entry.headers[key] ?? ''));
    }
  }
  const rest = text.slice(at);
  return {
    headers: [...headers],
    line: (entry) => `${parts.map((part) => part(entry)).join('')}${rest}\n`,
  };
}

/** `json` is ours, fabio has none: numbers are numbers, and times whole microseconds. */
const JSON_FIELDS = {
  time_rfc3339_ms: FIELDS.time_rfc3339_ms,
  remote_host: FIELDS.remote_host,
  request_method: FIELDS.request_method,
  request_scheme: FIELDS.request_scheme,
  request_host: FIELDS.request_host,
  request_uri: FIELDS.request_uri,
  request_proto: FIELDS.request_proto,
  response_status: ({ status }) => status,
  response_body_size: ({ size }) => size,
  response_time_us: ({ start, end }) => Math.round((end - start) * 1_000),
  upstream_service: FIELDS.upstream_service,
  upstream_addr: FIELDS.upstream_addr,
  upstream_request_uri: FIELDS.upstream_request_uri,
} as const satisfies Record<string, (entry: AccessEntry) => string | number>;

const JSON_FORMAT: AccessFormat = {
  headers: ['referer', 'user-agent'],
  line: (entry) =>
    `${JSON.stringify({
      ...Object.fromEntries(Object.entries(JSON_FIELDS).map(([name, field]) => [name, field(entry)])),
      referer: entry.headers.referer ?? '',
      user_agent: entry.headers['user-agent'] ?? '',
      ...(entry.traceId === '' ? {} : { trace_id: entry.traceId, span_id: entry.spanId }),
    })}\n`,
};

/** Nothing that a client sends may look like a line of its own. */
function inLine(text: string): string {
  return /[\p{Cc}"]/u.test(text)
    ? text.replace(/[\p{Cc}"]/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
    : text;
}
