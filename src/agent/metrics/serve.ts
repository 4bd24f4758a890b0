/** Figures of a program that is no agent, for Prometheus: `GET /metrics` on an address of their own, and `/livez`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from '../../errors.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import { type Family, PROMETHEUS_TEXT, prometheusText } from '../../lib/metrics.ts';
import type { Sockets } from '../../lib/sockets.ts';

/** A scrape is a short line and a page; whoever takes longer holds nothing up but itself, ms. */
const TIMEOUT = 10_000;
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
    const path = (request.url ?? '').split('?')[0];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const text = !isRead ? undefined : path === '/metrics' ? prometheusText(families()) : PAGES[path ?? ''];
    response.writeHead(text === undefined ? (isRead ? 404 : 405) : 200, {
      'Content-Type': path === '/metrics' ? PROMETHEUS_TEXT : 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : (text ?? 'figures are at /metrics\n'));
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

const PAGES: Readonly<Record<string, string | undefined>> = { '/livez': 'ok\n' };
