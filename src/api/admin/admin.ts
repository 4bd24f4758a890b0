import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { listenError, messageOf } from '../../errors.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import { Sockets } from '../../lib/sockets.ts';
import type { Door } from '../access.ts';
import { type AdminCall, type AdminReply, type AdminSource, adminReply, text } from './endpoints.ts';
import { noRates, type TargetRates } from './fabio.ts';
import { type ManualStore, MOST_MANUAL } from './manual.ts';
import type { RouteLinks } from './routes-page.ts';

export interface AdminOptions {
  readonly router: AdminSource['router'];
  readonly log: Logger;
  /** Default 127.0.0.1, port 9998. Port 0 takes a free one. */
  readonly address?: HostPort;
  /** Version of the program. */
  readonly version: string;
  /** Headline of the routes page. */
  readonly title?: string;
  /** URL of the dashboard, to link to. */
  readonly dashboard?: string;
  /** Settings in force, for `/api/config`. */
  readonly settings: () => object;
  /** Colour of the pages. */
  readonly color?: string;
  /** In front of all paths but `/health`. */
  readonly path?: string;
  /** Default `rw`. */
  readonly access?: 'ro' | 'rw';
  /** Where route commands are written to; nowhere unless given. */
  readonly manual?: ManualStore | undefined;
  /** How sources on the page become links; they do not unless given. */
  readonly links?: RouteLinks | undefined;
  /** Certificate and key (PEM) to speak TLS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Live figures for `/api/routes`. */
  readonly rates?: TargetRates;
  /** What tokens are asked of. Default: access is not controlled. */
  readonly door?: Door | undefined;
  /** Those of the process. */
  readonly sockets?: Sockets | undefined;
}

export interface Admin {
  /** Where it listens. */
  readonly address: HostPort;
  /** Ends all connections. Idempotent. */
  stop(): Promise<void>;
}

/** fabio's admin port. */
const ADMIN_ADDRESS: HostPort = { host: '127.0.0.1', port: 9998 };

/** A few people and scrapers look here; more than that is a mistake or worse. */
const MAX_CONNECTIONS = 256;
const REQUEST_TIMEOUT = 10_000;

/** Starts the balancer's admin API. Rejects with a `listen.*` error when the address cannot be had. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { address = ADMIN_ADDRESS, log } = options;
  const source: AdminSource = {
    router: options.router,
    version: options.version,
    title: options.title ?? 'Muster routes',
    dashboard: options.dashboard ?? '',
    settings: options.settings,
    color: options.color ?? '',
    path: (options.path ?? '').replace(/\/+$/, ''),
    access: options.access ?? 'rw',
    manual: options.manual,
    links: options.links,
    rates: options.rates ?? noRates,
    door: options.door ?? OPEN,
  };
  const timeouts = { requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url = '/', headers: given } = request;
    const text = await bodyOf(request);
    const { status, headers, body } =
      text === undefined
        ? TOO_LARGE
        : await safeReply({ method, target: url, headers: given, body: text }, source, log);
    response.writeHead(status, {
      ...headers,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(method === 'HEAD' ? undefined : body);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void answer(request, response).catch(() => response.destroy());
  const server =
    options.tls === undefined
      ? createServer(timeouts, listener)
      : createSecureServer({ ...timeouts, ...options.tls }, listener);
  server.maxConnections = MAX_CONNECTIONS;
  const { sockets = new Sockets() } = options;
  await sockets.listen(server, address).catch((cause: unknown) => {
    throw listenError("the balancer's admin API", formatHostPort(address.host, address.port), cause);
  });
  const { port } = server.address() as AddressInfo;
  let stopping: Promise<void> | undefined;
  return {
    address: { host: address.host, port },
    stop() {
      stopping ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return stopping;
    },
  };
}

const OPEN: Door = { acl: undefined, node: '' };

const TOO_LARGE = text(413, `a text may have ${MOST_MANUAL} bytes\n`);

/** Undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > MOST_MANUAL) return undefined;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function safeReply(request: AdminCall, source: AdminSource, log: Logger): Promise<AdminReply> {
  try {
    const { target } = request;
    // A target that is no URL ("//") is looked up like any other unknown one.
    return await adminReply(
      { ...request, target: URL.canParse(target, 'http://admin.invalid') ? target : '/' },
      source,
    );
  } catch (error) {
    // Without the query, which may hold a token.
    log.error('the admin API could not answer', {
      path: request.target.replace(/\?.*$/s, ''),
      error: messageOf(error),
    });
    return text(500, `${messageOf(error)}\n`);
  }
}
