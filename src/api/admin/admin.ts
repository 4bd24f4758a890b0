import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from '../../errors.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import { type AdminReply, type AdminSource, adminReply, text } from './endpoints.ts';
import { type FabioSettings, noRates, type TargetRates } from './fabio.ts';

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
  readonly settings: () => FabioSettings;
  /** Live figures for `/api/routes`. */
  readonly rates?: TargetRates;
}

export interface Admin {
  /** Where it listens. */
  readonly address: HostPort;
  /** Ends all connections. Idempotent. */
  stop(): Promise<void>;
}

/** fabio's admin port. */
export const ADMIN_ADDRESS: HostPort = { host: '127.0.0.1', port: 9998 };

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
    rates: options.rates ?? noRates,
  };
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT },
    (request, response) => {
      const { method = 'GET', url = '/' } = request;
      request.resume();
      const { status, headers, body } = safeReply(method, url, source, log);
      response.writeHead(status, {
        ...headers,
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(method === 'HEAD' ? undefined : body);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(listenError("the balancer's admin API", formatHostPort(address.host, address.port), cause)),
    );
    server.listen({ host: address.host, port: address.port }, resolve);
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

function safeReply(method: string, url: string, source: AdminSource, log: Logger): AdminReply {
  try {
    // A target that is no URL ("//") is looked up like any other unknown one.
    return adminReply(method, URL.canParse(url, 'http://admin.invalid') ? url : '/', source);
  } catch (error) {
    log.error('the admin API could not answer', { url, error: String(error) });
    return text(500, '');
  }
}
