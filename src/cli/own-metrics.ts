/** Figures of programs that are no agents: served for Prometheus where a flag says. */
import { hostname } from 'node:os';
import { familiesOf } from '../agent/metrics/metric.ts';
import { processMetrics } from '../agent/metrics/process.ts';
import { type MetricsServer, serveMetrics } from '../agent/metrics/serve.ts';
import { MusterError } from '../errors.ts';
import { type HostPort, parseHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { Family } from '../lib/metrics.ts';
import { Sockets } from '../lib/sockets.ts';
import { VERSION } from '../version.ts';
import type { Flags, FlagValues } from './flags.ts';

export const METRICS_FLAG = {
  'metrics-listen': {
    kind: 'string',
    value: 'HOST:PORT',
    summary: 'Where figures are served for Prometheus, at /metrics; nowhere unless given.',
  },
} as const satisfies Flags;

/** Throws `usage`. */
export function metricsPlace({
  'metrics-listen': text,
}: FlagValues<typeof METRICS_FLAG>): HostPort | undefined {
  if (text === undefined) return undefined;
  const place = parseHostPort(text);
  if (place !== undefined) return place;
  throw new MusterError('usage', `-metrics-listen: expected host:port such as 127.0.0.1:9090, got "${text}"`);
}

export interface OwnMetrics {
  /** Undefined: nowhere. */
  readonly place: HostPort | undefined;
  readonly log: Logger;
  readonly sockets?: Sockets;
  /** Of what the program does; those of its process come with them. */
  readonly families: () => readonly Family[];
}

/** Throws `listen.*`. */
export async function serveOwnMetrics({
  place,
  log,
  sockets = new Sockets(),
  families,
}: OwnMetrics): Promise<Pick<MetricsServer, 'stop'>> {
  if (place === undefined) return { async stop() {} };
  const node = { name: hostname(), datacenter: '', version: VERSION };
  const startedAt = Date.now();
  const server = await serveMetrics(place, sockets, () => [
    ...familiesOf(processMetrics, { node, startedAt }),
    ...families(),
  ]);
  log.info('figures', { url: `http://${server.address}/metrics` });
  return server;
}
