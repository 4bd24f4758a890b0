/** A balancer alone, in the foreground: started, kept until a signal, drained, stopped. */

import { compressionSchema, type HttpConfig, headersSchema, noRouteSchema } from '../agent/config/http.ts';
import { isForRequests } from '../agent/explain.ts';
import { type FrontListener, startFront } from '../agent/front.ts';
import { followSettings } from '../agent/http-settings.ts';
import { balancerMetrics } from '../agent/metrics/balancer.ts';
import { familiesOf } from '../agent/metrics/metric.ts';
import type { MetricsServer } from '../agent/metrics/serve.ts';
import { traceMetrics } from '../agent/metrics/traces.ts';
import type { StrategyName } from '../balance/strategies.ts';
import { followChecked } from '../discovery/checked.ts';
import type { Discovery, InstanceListener } from '../discovery/instance.ts';
import { followStatic } from '../discovery/static.ts';
import { systemClock } from '../lib/clock.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import { createLogger, stderrSink } from '../lib/log.ts';
import type { SourceOptions } from '../proxy/certificates/kinds.ts';
import type { ProxyLimits } from '../proxy/limits.ts';
import type { ProxySettings } from '../proxy/settings.ts';
import { inForeground } from './foreground/foreground.ts';
import { lbTelemetry, type TelemetryChoice } from './lb-telemetry.ts';
import type { LogChoice } from './log-flags.ts';
import { serveOwnMetrics } from './own-metrics.ts';
import { upstreamChecks } from './upstream-checks.ts';
import type { LbCheck } from './verbs/lb-check.ts';
import { type LbRoute, SERVICE } from './verbs/lb-route.ts';

export interface LbOptions {
  readonly listen: readonly FrontListener[];
  readonly certificates: ReadonlyMap<string, readonly SourceOptions[]>;
  readonly route: LbRoute;
  /** Undefined: an upstream is well until it fails. */
  readonly check: LbCheck | undefined;
  /** Of the tags of its upstreams. */
  readonly tagPrefix: string;
  readonly admin: HostPort | undefined;
  readonly strategy: StrategyName;
  readonly limits: Partial<ProxyLimits>;
  /** Threads; undefined: as many as are of use. */
  readonly workers: number | undefined;
  readonly pidFile: string | undefined;
  /** Milliseconds. */
  readonly drainTimeout: number;
  readonly log: LogChoice;
  readonly telemetry: TelemetryChoice;
  readonly metrics: HostPort | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How often (ms) the users of `-auth` are looked at. */
const REFRESH = 3_000;

/** Resolves with exit code 0 once everything has ended after a signal; a second signal ends the process with 1. */
export async function runLb(options: LbOptions): Promise<number> {
  const { listen, certificates, route, check, tagPrefix, admin, strategy, limits, workers } = options;
  const { pidFile, drainTimeout } = options;
  const log = createLogger({ level: options.log.level, sink: stderrSink(options.log.format) }).child('lb');
  const upstreams = (listener: InstanceListener): Discovery =>
    followStatic({ upstreams: route.upstreams, service: SERVICE, tags: [] }, listener);
  const plan = check && upstreamChecks(check, ({ service }) => service === SERVICE);
  return inForeground({ log, pidFile }, async (foreground) => {
    await foreground.turn();
    const telemetry = lbTelemetry(options.telemetry, options.env, log.child('telemetry'));
    let settings: ProxySettings = {};
    let configure = (_: ProxySettings) => {};
    const stopFollowing = followSettings(httpOf(route), {
      setting: '-auth',
      clock: systemClock,
      log,
      tell(told) {
        settings = { ...told, stickyKey: route.stickyKey ?? foreground.secret };
        configure(settings);
      },
    });
    const front = await startFront({
      discover: (listener) =>
        plan === undefined
          ? upstreams(listener)
          : followChecked(upstreams, { plan, clock: systemClock, random: Math.random, log }, listener),
      listen,
      certificates,
      admin,
      mayLackAdmin: false,
      limits,
      workers,
      strategy,
      tagPrefix,
      settings,
      zone: route.zone,
      tracing: telemetry.tracing,
      log,
      sockets: foreground.sockets,
    });
    let metrics: Pick<MetricsServer, 'stop'> | undefined;
    try {
      configure = (changed) => front.configure(changed);
      // What files said while it started.
      configure(settings);
      const { counters, router } = front;
      metrics = await serveOwnMetrics({
        place: options.metrics,
        log,
        sockets: foreground.sockets,
        families: () => [
          ...familiesOf(balancerMetrics, {
            balancer: {
              counters,
              router,
              connections: () => [],
              traffic: {
                outs: () =>
                  front
                    .ejections()
                    .map(({ host, port }) => ({ service: SERVICE, address: formatHostPort(host, port) })),
              },
            },
          }),
          ...familiesOf(traceMetrics, telemetry),
        ],
      });
      log.info('balancing', {
        listen: front.entrances
          .filter(isForRequests)
          .map(({ address }) => address)
          .join(', '),
        upstreams: route.upstreams
          // Without those that get copies, or lead elsewhere.
          .filter(({ service }) => service === undefined)
          .map(({ host, port }) => formatHostPort(host, port))
          .join(', '),
        strategy,
        ...front.carriage(),
        ...(front.admin === undefined ? {} : { admin: front.admin }),
      });
      await foreground.serving();
      const { isReplaced } = await foreground.ended;
      await front.drain({ patience: drainTimeout, isReplaced });
      return 0;
    } finally {
      stopFollowing();
      await Promise.all([front.stop(), metrics?.stop()]);
      await telemetry.stop();
    }
  });
}

function httpOf({ auth, accessLog, compress }: LbRoute): HttpConfig {
  return {
    auth: auth === undefined ? [] : [{ ...auth, refresh: REFRESH }],
    headers: headersSchema.parse(undefined),
    noRoute: noRouteSchema.parse(undefined),
    ...(compress ? { compression: compressionSchema.parse({}) } : {}),
    ...(accessLog === undefined ? {} : { accessLog }),
  };
}
