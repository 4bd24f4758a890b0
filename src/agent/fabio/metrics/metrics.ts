import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { listenError, MusterError } from '../../../errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import { formatHostPort } from '../../../lib/host-port.ts';
import type { Logger } from '../../../lib/log.ts';
import { Sockets } from '../../../lib/sockets.ts';
import type { CounterReader } from '../../../proxy/counters.ts';
import type { Router } from '../../../route/router.ts';
import { certificateFile } from '../certificate-file.ts';
import type { FabioConfig, MetricTarget } from '../config.ts';
import { families } from './families.ts';
import { FORMATS, GraphiteLines, type Naming, StatsdLines } from './lines.ts';
import { metricPrefix, routeNames } from './names.ts';
import { prometheusText } from './prometheus.ts';
import { print, sendByConnections, sendDatagrams } from './send.ts';

export interface Metrics {
  /** Ends all of it. Idempotent. */
  stop(): Promise<void>;
}

interface Sources {
  readonly counters: CounterReader;
  readonly router: Router;
  readonly clock: Clock;
  readonly log: Logger;
  /** Those of the process. */
  readonly sockets?: Sockets | undefined;
}

type Target = (config: FabioConfig, sources: Sources) => () => void;

/** What runs for a target; Prometheus comes and asks. A new one is a line here. */
const TARGETS = {
  prometheus: () => () => {},
  statsd: overUdp('statsd', 'metrics.statsd.addr'),
  statsd_raw: overUdp('statsd', 'metrics.statsd.addr'),
  dogstatsd: overUdp('dogstatsd', 'metrics.dogstatsd.addr'),
  graphite: toGraphite,
  stdout: printed('flat'),
  flat: printed('flat'),
  label: printed('label'),
} as const satisfies Record<MetricTarget, Target>;

function overUdp(
  format: keyof typeof FORMATS,
  setting: 'metrics.statsd.addr' | 'metrics.dogstatsd.addr',
): Target {
  return (config, sources) => {
    const lines = linesOf(format, config, sources);
    return sendDatagrams(setting, config.values[setting], lines, paceOf(config, sources));
  };
}

function printed(format: keyof typeof FORMATS): Target {
  return (config, sources) => print(linesOf(format, config, sources), paceOf(config, sources));
}

function toGraphite(config: FabioConfig, sources: Sources): () => void {
  const { counters, router, clock } = sources;
  const graphite = new GraphiteLines(namingOf(config));
  const lines = () => graphite.lines(families(counters, router), Math.floor(clock.now() / 1_000));
  const setting = 'metrics.graphite.addr';
  return sendByConnections(setting, config.values[setting], lines, paceOf(config, sources));
}

function paceOf({ values }: FabioConfig, { clock, log }: Sources) {
  return { interval: values['metrics.interval'], clock, log };
}

function namingOf({ values }: FabioConfig): Naming {
  return {
    prefix: metricPrefix(values['metrics.prefix']),
    routeName: routeNames(values['metrics.names']),
  };
}

function linesOf(
  format: keyof typeof FORMATS,
  config: FabioConfig,
  { counters, router }: Sources,
): () => string[] {
  const statsd = new StatsdLines(FORMATS[format], namingOf(config));
  return () => statsd.lines(families(counters, router));
}

/** Starts what `metrics.target` names and the listeners for Prometheus. Throws `config.invalid` and `listen.*`. */
export async function startMetrics(config: FabioConfig, sources: Sources): Promise<Metrics> {
  const { values } = config;
  const { sockets = new Sockets() } = sources;
  const stops = config.metrics.map((target) => TARGETS[target](config, sources));
  const options = {
    prefix: metricPrefix(values['metrics.prefix']),
    subsystem: values['metrics.prometheus.subsystem'],
    buckets: bucketsOf(values['metrics.prometheus.buckets']),
  };
  const path = values['metrics.prometheus.path'];
  const answer: RequestListener = (request, response) => {
    request.resume();
    const isThere = (request.url ?? '').split('?')[0] === path;
    const text = isThere ? prometheusText(families(sources.counters, sources.router), options) : '';
    response.writeHead(isThere ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  const servers: Server[] = [];
  for (const listener of config.listeners) {
    if (listener.protocol !== 'prometheus') continue;
    const tls = certificateFile('proxy.addr', listener.certificates, config.certificates);
    const server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer);
    servers.push(server);
    const { host, port } = listener;
    await sockets.listen(server, { host: host === '' ? '::' : host, port }).catch((cause: unknown) => {
      throw listenError('metrics', formatHostPort(host, port), cause);
    });
  }
  let stopping: Promise<void> | undefined;
  return {
    stop() {
      stopping ??= (async () => {
        for (const stop of stops) stop();
        await Promise.all(
          servers.map(
            (server) =>
              new Promise<void>((resolve) => {
                server.close(() => resolve());
                server.closeAllConnections();
              }),
          ),
        );
      })();
      return stopping;
    },
  };
}

function bucketsOf(texts: readonly string[]): number[] {
  const buckets = texts.map(Number);
  if (buckets.some((edge) => !(edge > 0)))
    throw new MusterError(
      'config.invalid',
      `metrics.prometheus.buckets: expected numbers, got ${texts.join(',')}`,
    );
  return buckets.sort((a, b) => a - b);
}
