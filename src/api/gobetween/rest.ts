import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isMusterError, messageOf } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { percentDecoded } from '../../lib/percent.ts';
import type { GobetweenServers } from './servers.ts';

export interface RestSource {
  readonly servers: GobetweenServers;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Where the configuration came from: `{ kind: "file", path: "…" }`. */
  readonly configuration: Readonly<Record<string, string>>;
  /** Undefined: anybody may call. */
  readonly basicAuth: { readonly login: string; readonly password: string } | undefined;
  /** Pages of other origins may call. */
  readonly cors: boolean;
}

export interface RestReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A server's configuration takes some kilobytes; lists of thousands of backends some hundred. */
export const MAX_BODY = 4 * 1024 * 1024;

const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'PUT,POST,DELETE,GET,OPTIONS',
  'access-control-allow-headers': 'Origin,Authorization,Content-Type',
};

type Call = { name: string; query: URLSearchParams; body: string };
type Handler = (source: RestSource, call: Call) => RestReply | Promise<RestReply>;

/** Every call by method and path; a new one is a line here. */
const CALLS: Readonly<Record<string, Handler>> = {
  'GET /': (source) => json(200, root(source)),
  'GET /dump': ({ servers }, { query }) => {
    try {
      return plain(200, servers.dump(query.get('format') ?? 'toml'));
    } catch (error) {
      if (!isMusterError(error, 'request.invalid')) throw error;
      return json(500, messageOf(error));
    }
  },
  'GET /servers': ({ servers }) => json(200, servers.all()),
  'GET /servers/:name': ({ servers }, { name }) => json(200, servers.get(name) ?? null),
  'GET /servers/:name/stats': ({ servers }, { name }) => json(200, servers.stats(name) ?? null),
  'POST /servers/:name': async ({ servers }, { name, body }) => {
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch (error) {
      return json(400, messageOf(error));
    }
    try {
      await servers.create(name, value);
      return json(200, null);
    } catch (error) {
      if (!isMusterError(error)) throw error;
      return json(error.code === 'request.invalid' ? 400 : 409, error.message);
    }
  },
  'DELETE /servers/:name': ({ servers }, { name }) => {
    servers.delete(name);
    return json(200, null);
  },
};

/** Without a password, as there. */
const OPEN: Readonly<Record<string, Handler>> = { 'GET /ping': () => plain(200, 'OK') };

export async function restReply(
  source: RestSource,
  { method = 'GET', url = '/', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  body: string,
): Promise<RestReply> {
  const reply = await answer(source, { method, url, headers, body });
  return source.cors ? { ...reply, headers: { ...reply.headers, ...CORS_HEADERS } } : reply;
}

async function answer(
  source: RestSource,
  {
    method,
    url,
    headers,
    body,
  }: { method: string; url: string; headers: IncomingMessage['headers']; body: string },
): Promise<RestReply> {
  // With the slash in front "//servers" is a path and no host.
  const place = url.startsWith('/') ? `http://api.invalid${url}` : url;
  if (!URL.canParse(place)) return plain(404, '404 page not found');
  const { pathname, searchParams: query, search } = new URL(place);
  if (method === 'OPTIONS' && source.cors) return plain(204, '');
  const { key, name } = callOf(method, pathname);
  if (Object.hasOwn(OPEN, key)) return OPEN[key]!(source, { name, query, body });
  if (!isCall(key) && pathname.endsWith('/') && isCall(callOf(method, pathname.slice(0, -1)).key)) {
    const redirect = plain(method === 'GET' || method === 'HEAD' ? 301 : 307, '');
    return { ...redirect, headers: { location: `${pathname.slice(0, -1)}${search}` } };
  }
  if (!isAllowed(source, headers.authorization))
    return { ...plain(401, ''), headers: { 'www-authenticate': 'Basic realm="Authorization Required"' } };
  // A page that somebody looks at here must not start programs: a browser says where a request comes from.
  if (method !== 'GET' && method !== 'HEAD' && headers.origin !== undefined && !source.cors)
    return json(403, 'calls from web pages need cors = true in [api]');
  if (!Object.hasOwn(CALLS, key)) return plain(404, '404 page not found');
  return CALLS[key]!(source, { name: percentDecoded(name), query, body });
}

/** How a call is found in the tables. */
function callOf(method: string, path: string): { key: string; name: string } {
  const [, name = '', rest = ''] = /^\/servers\/([^/]+)(\/[^/]+)?$/.exec(path) ?? [];
  const place = name === '' ? path : `/servers/:name${rest}`;
  return { key: `${method === 'HEAD' ? 'GET' : method} ${place}`, name };
}

function isCall(key: string): boolean {
  return Object.hasOwn(CALLS, key) || Object.hasOwn(OPEN, key);
}

function isAllowed({ basicAuth }: RestSource, header = ''): boolean {
  if (basicAuth === undefined) return true;
  const [, given = ''] = /^Basic (\S+)$/i.exec(header) ?? [];
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(`${basicAuth.login}:${basicAuth.password}`);
  return timingSafeEqual(digest(Buffer.from(given, 'base64').toString()), wanted);
}

function root({ version, startedAt, configuration }: RestSource): unknown {
  const now = Date.now();
  return {
    configuration,
    pid: process.pid,
    startTime: new Date(startedAt).toISOString(),
    time: new Date(now).toISOString(),
    uptime: formatDuration(now - startedAt),
    version,
  };
}

function json(status: number, value: unknown): RestReply {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status, headers, body: JSON.stringify(value, null, 4) };
}

function plain(status: number, body: string): RestReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}
