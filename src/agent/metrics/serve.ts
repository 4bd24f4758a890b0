/** Figures of a program that is no agent, for Prometheus: `GET /metrics` on an address of their own, and `/livez`. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from '../../errors.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import { type Family, PROMETHEUS_TEXT, prometheusText } from '../../lib/metrics.ts';
import type { Sockets } from '../../lib/sockets.ts';

/** A scrape is a short line and a page; whoever takes longer holds nothing up but itself, ms. */
const TIMEOUT = 10_000;
const PLAIN = 'text/plain; charset=utf-8';
/** Scrapers at a time. */
const MAX_CONNECTIONS = 64;

export interface MetricsServer {
  /** "host:port". */
  readonly address: string;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Throws `listen.*`. */
export async function serveMetrics(
  place: HostPort,
  sockets: Pick<Sockets, 'listen'>,
  families: () => readonly Family[],
): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: TIMEOUT, headersTimeout: TIMEOUT }, (request, response) => {
    request.resume();
    const { status, headers, text } = pageFor(request, families);
    response.writeHead(status, { 'Content-Type': PLAIN, 'Cache-Control': 'no-store', ...headers });
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await sockets.listen(server, place).catch((cause: unknown) => {
    throw listenError('figures', formatHostPort(place.host, place.port), cause);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: formatHostPort(place.host, port),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Page {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text: string;
}

function pageFor({ method, url = '' }: IncomingMessage, families: () => readonly Family[]): Page {
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, headers: { Allow: 'GET, HEAD' }, text: 'figures are read with GET\n' };
  switch (url.split('?')[0]) {
    case '/metrics':
      return { status: 200, headers: { 'Content-Type': PROMETHEUS_TEXT }, text: prometheusText(families()) };
    case '/livez':
      return { status: 200, text: 'ok\n' };
    default:
      return { status: 404, text: 'figures are at /metrics\n' };
  }
}
