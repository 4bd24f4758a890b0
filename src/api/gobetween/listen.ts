import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { listenError } from '../../errors.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import { PROMETHEUS_TEXT, prometheusText } from '../../lib/metrics.ts';
import { Sockets } from '../../lib/sockets.ts';
import { type MetricsSource, metricFamilies } from './metrics.ts';
import { MAX_BODY, type RestReply, type RestSource, restReply } from './rest.ts';

export interface Listening {
  readonly address: HostPort;
  /** Ends all connections. Idempotent. */
  stop(): Promise<void>;
}

/** A few people and scrapers look here. */
const MAX_CONNECTIONS = 256;
const REQUEST_TIMEOUT = 10_000;

interface Surroundings {
  readonly log: Logger;
  /** Those of the process. */
  readonly sockets?: Sockets | undefined;
}

interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** gobetween's REST API. `tls`: PEM. Rejects with `listen.*`. */
export function startRest(
  address: HostPort,
  source: RestSource,
  { log, sockets, tls }: Surroundings & { readonly tls?: Pem | undefined },
): Promise<Listening> {
  return listen("gobetween's API", address, { log, sockets, tls }, (request, body) =>
    restReply(source, request, body),
  );
}

/** gobetween's Prometheus metrics under `/metrics`. Rejects with `listen.*`. */
export function startMetrics(
  address: HostPort,
  source: MetricsSource,
  surroundings: Surroundings,
): Promise<Listening> {
  const reply = async ({ url = '/' }: IncomingMessage): Promise<RestReply> =>
    url.split('?')[0] === '/metrics'
      ? {
          status: 200,
          headers: { 'content-type': PROMETHEUS_TEXT },
          body: prometheusText(metricFamilies(source)),
        }
      : {
          status: 404,
          headers: { 'content-type': 'text/plain; charset=utf-8' },
          body: '404 page not found\n',
        };
  return listen("gobetween's metrics", address, surroundings, reply);
}

async function listen(
  what: string,
  { host, port }: HostPort,
  { log, sockets = new Sockets(), tls }: Surroundings & { readonly tls?: Pem | undefined },
  reply: (request: IncomingMessage, body: string) => Promise<RestReply>,
): Promise<Listening> {
  const limits = { requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT };
  const serve: RequestListener = (request, response) => {
    bodyOf(request)
      .then((body) =>
        body === undefined
          ? { status: 413, headers: {}, body: 'the body is too large\n' }
          : reply(request, body),
      )
      .catch((error: unknown): RestReply => {
        log.error(`${what} could not answer`, { path: request.url?.split('?', 1)[0], error: String(error) });
        return { status: 500, headers: {}, body: '' };
      })
      .then(({ status, headers, body }) => {
        const common = { 'content-length': Buffer.byteLength(body), 'x-content-type-options': 'nosniff' };
        response
          .writeHead(status, { ...headers, ...common })
          .end(request.method === 'HEAD' ? undefined : body);
      });
  };
  const server: Server =
    tls === undefined ? createServer(limits, serve) : createTlsServer({ ...limits, ...tls }, serve);
  server.maxConnections = MAX_CONNECTIONS;
  await sockets.listen(server, { host, port }).catch((cause: unknown) => {
    throw listenError(what, formatHostPort(host, port), cause);
  });
  const { port: given } = server.address() as AddressInfo;
  let stopping: Promise<void> | undefined;
  return {
    address: { host, port: given },
    stop() {
      stopping ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return stopping;
    },
  };
}

/** Undefined when it is too large. Rejects when the client breaks off. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
