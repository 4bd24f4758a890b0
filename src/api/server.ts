import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isMusterError, listenError, messageOf } from '../errors.ts';
import { Ending } from '../lib/ending.ts';
import { formatHostPort, fromHere, type HostPort, parseHostPort } from '../lib/host-port.ts';
import { type AddressRange, addressBytes, isInRange } from '../lib/ip.ts';
import { leaveToOther, Sockets } from '../lib/sockets.ts';
import { isReadable, noServers } from '../store/store.ts';
import { admitOverReplica } from './access.ts';
import { asksForReplacement } from './agent/reload.ts';
import type { ApiContext } from './context.ts';
import type { Endpoint } from './endpoint.ts';
import { endpoints as allEndpoints } from './endpoints.ts';
import type { Exchange } from './exchange.ts';
import { Head } from './head.ts';
import { Front } from './http/front.ts';
import { inOrder } from './http/in-order.ts';
import { NodeExchange } from './http/node-exchange.ts';
import { HttpError } from './http-error.ts';
import { refuseNamespace } from './namespaces.ts';
import { percentDecode, Query } from './query.ts';
import { ReadyAnswers } from './ready.ts';
import { empty, type Reply, text } from './reply.ts';
import { apiRequest } from './request.ts';
import { cleanPath, Router } from './router.ts';
import { send } from './send.ts';
import { staticFile } from './static-files.ts';
import { Succession } from './succession.ts';

export interface ApiOptions {
  context: ApiContext;
  /** Where to listen; left out, it only takes the connections that `accept` is given. */
  host?: string;
  /** 0 takes a free one. */
  port?: number;
  /** Unix socket to listen on instead; it must not be there. */
  path?: string;
  /** Directory of the built dashboard, served below /ui/. Without it `/` says who answers. */
  uiDirectory?: string;
  /** The table, unless it is the whole one. */
  endpoints?: readonly Endpoint[];
  /** Those of the process. */
  sockets?: Sockets | undefined;
  /** How long (ms) a client has for a request's head. */
  headersTimeout?: number;
}

export interface Api {
  /** Of TCP; port 0 where it listens otherwise or not at all. */
  readonly address: HostPort;
  /** Takes over a connection that came in another way. */
  accept(socket: Duplex): void;
  /** Requests that may change something wait from now on, reads go on; resolves when the former are done. */
  hold(): Promise<void>;
  /**
   * Another server has the socket: takes no more connections, ends blocked queries, and passes on to it what waits and what comes
   * on open connections, as the last thing on each. Resolves when there are none any more.
   */
  leave(): Promise<void>;
  /** Ends blocked queries, lets the other requests finish, closes the connections. Idempotent. */
  stop(): Promise<void>;
}

/** A client has this long (and half as much again, at most) for its request head, and for all of its request: slow ones must not hold sockets. */
const HEADERS_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 120_000;

/** Bytes of a request's head: filters and keys stand in its first line. */
const MAX_HEADER = 64 * 1024;

/** An idle connection is kept this long. Clients of the registry ask again and again. */
const KEEP_ALIVE = 120_000;

/** Sockets at a time. One blocked read holds one; beyond that new connections are closed at once. */
const MAX_CONNECTIONS = 60_000;

/** Requests that go on when the server stops have this long. */
const STOP_GRACE = 5_000;

/** What Go's `unicode.IsPrint` refuses: control characters, separators other than the space, unassigned ones. */
const NOT_PRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
/** Nearly every path: told in a fraction of the time. */
const PLAIN = /^[ -~]*$/;

/** Starts the HTTP API. Rejects with a listen error when the address cannot be had. */
export async function startApi({
  context,
  host,
  port,
  path: socket,
  uiDirectory,
  endpoints = allEndpoints,
  sockets = new Sockets(),
  headersTimeout = HEADERS_TIMEOUT,
}: ApiOptions): Promise<Api> {
  const logger = context.logger.child('http');
  const router = new Router(endpoints);
  const stopping = new Ending();
  const ready = new ReadyAnswers(context, { logger, stopping, theLongWay: answer });
  const common = new Head(['Vary', 'Accept-Encoding']);
  for (const [name, value] of Object.entries(context.settings.responseHeaders)) common.set(name, value);
  // Consul takes a body that is sent in chunks although it announces a length; Node does so only with the lenient
  // parser. The chunks count, and the connection is not used again (RFC 9112, 6.1).
  const options = {
    keepAliveTimeout: KEEP_ALIVE,
    maxHeaderSize: MAX_HEADER,
    insecureHTTPParser: true,
    headersTimeout,
    requestTimeout: REQUEST_TIMEOUT,
    // Node looks every 30 s otherwise: until then a slow head would stay.
    connectionsCheckingInterval: headersTimeout / 2,
  };
  const succession = new Succession(asksForReplacement);
  const listener = inOrder((request, response) => {
    silent.delete(request.socket);
    if (succession.takes(request, response)) return;
    const { headers } = request;
    const exchange = new NodeExchange(request, response);
    if (headers['transfer-encoding'] !== undefined && headers['content-length'] !== undefined) {
      delete headers['content-length'];
      exchange.closeBehind();
    }
    serve(exchange);
  });
  const server = createServer(options, listener);
  server.maxConnections = MAX_CONNECTIONS;
  /** Connections that have not asked anything yet (browsers open such): Node does not count them as idle. */
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  /** Connections that another server took and gave to this one: Node does not wait for them when it closes. */
  const accepted = new Set<Duplex>();
  const accepts = () => succession.isFar && !stopping.ended;
  const front = new Front(server, { headersTimeout, keepAlive: KEEP_ALIVE, accepts, serve });

  function serve(exchange: Exchange): void {
    if (ready.serve(exchange)) return;
    succession.begins(exchange);
    void answer(exchange);
  }

  async function answer(exchange: Exchange): Promise<void> {
    const began = context.clock.now();
    try {
      const path = pathOf(exchange.url);
      const search = exchange.url.slice(path.length + 1);
      await route(exchange, path, search);
      const { status } = exchange;
      // Somebody else answers it.
      if (status === 0) return;
      context.counts?.count(path, status);
      if (!logger.hears('debug')) return;
      logger.debug('request', {
        method: exchange.method,
        path: shown(path),
        status,
        from: exchange.remoteAddress,
        ms: context.clock.now() - began,
      });
    } catch (error) {
      logger.error('a request failed', { method: exchange.method, error: messageOf(error) });
      exchange.abort();
    }
  }

  async function route(exchange: Exchange, rawPath: string, search: string): Promise<void> {
    const { method } = exchange;
    const head = new Head(common.fields);
    const reply = (answer: Reply, pretty = false) => {
      // A connection that stays open would hold the stop up.
      if (stopping.ended) exchange.closeBehind();
      return send(answer, exchange, { head, pretty, ready });
    };
    let path: string;
    try {
      path = percentDecode(rawPath);
    } catch {
      return reply(text('400 Bad Request', { status: 400 }));
    }
    if (!path.startsWith('/') || (!PLAIN.test(path) && NOT_PRINTABLE.test(path))) return reply(empty(400));
    const clean = cleanPath(path);
    if (clean !== path) return reply(moved(clean, search));
    const found = router.find(path);
    if (found === undefined) {
      if (router.lacksSlash(path)) return reply(moved(`${path}/`, search));
      return reply(await besides(exchange, path, search).catch((error) => failedReply(error, method, path)));
    }
    head.set('X-Consul-Default-ACL-Policy', context.acl?.defaultPolicy ?? 'allow');
    let query: Query;
    try {
      query = new Query(search);
    } catch {
      return reply(empty(500));
    }
    if (isForged(exchange, context.settings.responseHeaders))
      return reply(text('Writes that another web site has a browser send are refused', { status: 403 }));
    if (!mayWrite(exchange, context.settings.writersFrom))
      return reply(text('Access is restricted', { status: 403 }));
    if (context.settings.blockEndpoints.some((prefix) => path.startsWith(prefix)))
      return reply(text('Endpoint is blocked by agent configuration', { status: 403 }));
    const endpoint = found.route.byMethod.get(method);
    if (endpoint === undefined) {
      const allow = ['OPTIONS', ...found.route.methods].join(',');
      if (method === 'OPTIONS') return reply(empty(200, { headers: { Allow: allow } }));
      const named = [...found.route.byMethod.values()].every(({ namesOptions }) => namesOptions !== false);
      const headers = { Allow: named ? allow : found.route.methods.join(',') };
      return reply(text(`method ${method} not allowed`, { status: 405, headers }));
    }
    const pretty = context.settings.prettyJson || query.has('pretty');
    const apiReq = apiRequest({
      exchange,
      path,
      params: found.params,
      query,
      acl: context.acl,
      stopping,
    });
    let answer: Reply;
    try {
      refuseNamespace(path, query, exchange.headers);
      if (endpoint.isLocal !== true && !isReadable(context.store)) throw noServers();
      const admission = admitOverReplica(context, apiReq, endpoint.needs);
      if (admission !== undefined) await admission;
      answer = await endpoint.handler(context, apiReq);
    } catch (error) {
      answer = failedReply(error, method, path);
    }
    if (exchange.isGone) return;
    return reply(answer, pretty);
  }

  /** What a client is told of an error. What nobody foresaw is told here too. */
  function failedReply(error: unknown, method: string, path: string): Reply {
    const answer = errorReply(error);
    if (answer.status === 500 && !isMusterError(error) && !(error instanceof HttpError))
      logger.error('a handler failed', {
        method,
        path: shown(path),
        error: error instanceof Error ? error.stack : String(error),
      });
    return answer;
  }

  /** What is not in the table: the dashboard, and 404. */
  async function besides({ method, headers }: Exchange, path: string, search: string): Promise<Reply> {
    const reads = method === 'GET' || method === 'HEAD';
    if (uiDirectory === undefined) return path === '/' && reads ? text('Consul Agent') : empty(404);
    if ((path === '/' || path === '/ui') && reads) return moved('/ui/', search);
    // Where fabio shows its routes.
    if (path === '/routes' && reads) return moved('/ui/routes', search);
    if (!path.startsWith('/ui/') || !reads) return empty(404);
    return staticFile(uiDirectory, path.slice('/ui/'.length), headers['if-none-match']);
  }

  const place = socket === undefined ? { host: host ?? '', port: port ?? 0 } : { path: socket };
  const name = socket ?? formatHostPort(host ?? '', port ?? 0);
  if (socket !== undefined || (host !== undefined && port !== undefined))
    await sockets.listen(server, place).catch((cause: unknown) => {
      throw listenError('the HTTP API', name, cause);
    });
  // What Node's server does once it listens, above all its watch over slow clients, it has to do all the same.
  else server.emit('listening');
  const bound = server.address();
  const address =
    typeof bound === 'object' && bound !== null
      ? { host: bound.address, port: bound.port }
      : { host: '', port: 0 };
  let stopped: Promise<void> | undefined;
  return {
    address,
    // Node's documented way to have an HTTP server take a connection that it did not accept itself.
    accept(socket) {
      accepted.add(socket);
      socket.once('close', () => accepted.delete(socket));
      front.giveToNode(socket as Socket);
    },
    hold: () => succession.hold(STOP_GRACE),
    leave: () =>
      new Promise((resolve) => {
        leaveToOther(server, socket, resolve);
        const here = parseHostPort(fromHere(formatHostPort(address.host, address.port))) ?? address;
        succession.leave(socket === undefined ? here : { socketPath: socket });
        stopping.end();
      }),
    stop() {
      stopped ??= stop(server, { front, silent, accepted, stopping, context });
      return stopped;
    },
  };
}

/**
 * A write that a page of another site made a browser send. Such a page can have a browser send plain POSTs anywhere;
 * browsers say so (Fetch Metadata), programs never do. Who allows other origins by a response header has them.
 */
function isForged({ method, headers }: Exchange, allowed: Readonly<Record<string, string>>): boolean {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return false;
  if (headers['sec-fetch-site'] !== 'cross-site') return false;
  return !Object.keys(allowed).some((name) => name.toLowerCase() === 'access-control-allow-origin');
}

/** Whether a request may change something: from these addresses, and by a Unix socket, where its mode says who may. */
function mayWrite(
  { method, remoteAddress }: Pick<Exchange, 'method' | 'remoteAddress'>,
  from: readonly AddressRange[],
): boolean {
  if (from.length === 0 || method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return true;
  const address = addressBytes(remoteAddress);
  return remoteAddress === '' || (address !== undefined && from.some((range) => isInRange(address, range)));
}

/** The address without the query: queries hold tokens, which are never logged. */
function pathOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? url : url.slice(0, at);
}

/** A path as it is logged: where tokens were called by their secrets, without these. */
function shown(path: string): string {
  return path.startsWith('/v1/acl/') ? path.replace(SECRET_IN_PATH, '$1<hidden>') : path;
}

const SECRET_IN_PATH = /^(\/v1\/acl\/(?:clone|destroy|info)\/).+/;

function moved(path: string, search: string): Reply {
  const query = search === '' ? '' : `?${search}`;
  // A location that began with two slashes would lead to another host; cleaned paths never do.
  return empty(301, {
    headers: { Location: `${encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23')}${query}` },
  });
}

/** Refusals of the catalog are 500 with their words, as Consul answers what its servers refuse. */
function errorReply(error: unknown): Reply {
  if (error instanceof HttpError)
    return text(error.message, {
      status: error.status,
      headers: error.headers,
    });
  if (isMusterError(error, 'request.invalid')) return text(error.message, { status: 400 });
  if (isMusterError(error)) return text(error.message, { status: 500 });
  return text('internal error: the log of the agent has the cause', { status: 500 });
}

async function stop(
  server: Server,
  parts: {
    front: Front;
    silent: ReadonlySet<Socket>;
    accepted: ReadonlySet<Duplex>;
    stopping: Ending;
    context: ApiContext;
  },
): Promise<void> {
  const { front, silent, accepted, stopping, context } = parts;
  const cancel = context.clock.after(STOP_GRACE, () => {
    server.closeAllConnections();
    front.close({ all: true });
  });
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  stopping.end();
  server.closeIdleConnections();
  front.close();
  for (const socket of silent) socket.destroy();
  await closed;
  await Promise.all([...accepted].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  cancel();
}
