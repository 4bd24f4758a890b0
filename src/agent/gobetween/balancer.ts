/** A gobetween configuration, running: its servers, its API, its metrics. */
import { type Listening, startMetrics, startRest } from '../../api/gobetween/listen.ts';
import { contentOf } from '../../lib/content-of.ts';
import type { HostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import type { Family } from '../../lib/metrics.ts';
import type { Sockets } from '../../lib/sockets.ts';
import type { Farewell } from '../../proxy/farewell.ts';
import { VERSION } from '../../version.ts';
import { L4Front } from '../l4/front.ts';
import { familiesOf } from '../metrics/metric.ts';
import { processMetrics } from '../metrics/process.ts';
import { checkConfig } from './check.ts';
import type { GobetweenConfig } from './schema.ts';
import { Servers } from './servers.ts';

export interface GobetweenOptions {
  readonly config: GobetweenConfig;
  /** For the API: `{ kind: "file", path: "…" }`. */
  readonly origin: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly startedAt: number;
  /** Those of the process. */
  readonly sockets?: Sockets | undefined;
}

export interface GobetweenBalancer {
  readonly servers: Servers;
  readonly api: HostPort | undefined;
  readonly metrics: HostPort | undefined;
  /** Takes no more clients; those there are may end. Idempotent. */
  drain(farewell: Farewell): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Throws `config.*` with everything that is wrong, `tls.*`, `listen.*`; nothing is left running then. */
export async function startGobetween({
  config,
  origin,
  log,
  startedAt,
  sockets,
}: GobetweenOptions): Promise<GobetweenBalancer> {
  const { api, metrics, acme, profiler } = config;
  const places = checkConfig(config);
  if (acme) log.warn('[acme] has no effect: name certificates in [servers.NAME.tls]');
  if (profiler?.enabled) log.warn('[profiler] has no effect: there is no pprof here');

  const front = await L4Front.start({ log, sockets });
  const servers = new Servers(front, config, log);
  const listening: Listening[] = [];
  const stop = async () => {
    await Promise.all([front.stop(), ...listening.map((one) => one.stop())]);
  };
  try {
    for (const [name, server] of Object.entries(config.servers)) await servers.start(name, server);
    const source = { servers, version: VERSION };
    if (metrics.enabled) {
      const own = () => ownFamilies(startedAt);
      listening.push(await startMetrics(places.metrics, { ...source, own }, { log, sockets }));
    }
    if (api.enabled) {
      const { basic_auth: basicAuth, cors, tls } = api;
      const rest = { ...source, startedAt, configuration: origin, basicAuth: basicAuth ?? undefined, cors };
      const pem = tls ? { cert: contentOf(tls.cert_path), key: contentOf(tls.key_path) } : undefined;
      listening.push(await startRest(places.api, rest, { log, sockets, tls: pem }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    servers,
    api: api.enabled ? listening.at(-1)?.address : undefined,
    metrics: metrics.enabled ? listening[0]?.address : undefined,
    drain: (farewell) => front.drain(farewell),
    stop,
  };
}

/** What Prometheus' clients, gobetween's among them, tell of every process. */
function ownFamilies(startedAt: number): Family[] {
  const node = { name: '', datacenter: '', version: VERSION };
  return familiesOf(processMetrics, { node, startedAt }).filter(({ name }) => name.startsWith('process_'));
}
