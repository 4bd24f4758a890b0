/** A TCP or UDP balancer over named upstreams, in the foreground. */
import { L4Front } from '../agent/l4/front.ts';
import type { L4Plan } from '../agent/l4/plan.ts';
import type { StrategyName } from '../balance/strategies.ts';
import { followStatic, type StaticUpstream } from '../discovery/static.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import { createLogger, type LogLevel, stderrSink } from '../lib/log.ts';
import type { SourceOptions } from '../proxy/certificates/kinds.ts';
import type { TlsSettings } from '../proxy/tls/spec.ts';
import type { PoolOptions } from '../route/pool-options.ts';
import { inForeground } from './foreground/foreground.ts';
import { upstreamChecks } from './upstream-checks.ts';
import type { LbCheck } from './verbs/lb-check.ts';

export interface L4Run {
  readonly listen: readonly (HostPort & { readonly tls?: TlsSettings | undefined })[];
  /** Of certificates, for where TLS ends here. */
  readonly sources: readonly SourceOptions[];
  readonly upstreams: readonly StaticUpstream[];
  readonly options: PoolOptions;
  /** Undefined: an upstream is well until it fails. */
  readonly check: LbCheck | undefined;
  /** Where it stands; "": nowhere in particular. */
  readonly zone: string;
  readonly strategy: StrategyName;
  readonly listener: L4Plan['listener'];
  /** Clients at a time. */
  readonly maxConnections: number | undefined;
  readonly pidFile: string | undefined;
  /** Milliseconds. */
  readonly drainTimeout: number;
  readonly log: { readonly level: LogLevel; readonly format: 'pretty' | 'json' };
}

/** Resolves with exit code 0 once everything has ended after a signal; a second signal ends the process with 1. */
export async function runL4(run: L4Run): Promise<number> {
  const {
    listen,
    sources,
    upstreams,
    options,
    check,
    zone,
    strategy,
    listener,
    maxConnections,
    pidFile,
    drainTimeout,
  } = run;
  const log = createLogger({ level: run.log.level, sink: stderrSink(run.log.format) }).child('lb');
  return inForeground({ log, pidFile }, async (foreground) => {
    await foreground.turn();
    const front = await L4Front.start({
      log,
      sockets: foreground.sockets,
      ...(maxConnections === undefined ? {} : { maxConnections }),
    });
    try {
      const opened = await Promise.all(
        listen.map((place) =>
          front.open({
            name: `${place.tls === undefined ? '' : 'tls://'}${formatHostPort(place.host, place.port)}`,
            listen: place,
            tls: place.tls === undefined ? undefined : { settings: { ...place.tls, alpn: [] }, sources },
            listener,
            options,
            check: check && upstreamChecks(check),
            zone,
            strategy,
            isWeighted: true,
            discover: (follow) => followStatic({ upstreams, service: 'upstream', tags: [] }, follow),
          }),
        ),
      );
      log.info('balancing', {
        listen: opened.map(({ address }) => formatHostPort(address.host, address.port)).join(', '),
        protocol: listener.protocol,
        upstreams: upstreams.map(({ host, port }) => formatHostPort(host, port)).join(', '),
        strategy,
        transport: front.transport,
      });
      await foreground.serving();
      const { isReplaced } = await foreground.ended;
      await front.drain({ patience: drainTimeout, isReplaced });
      return 0;
    } finally {
      await front.stop();
    }
  });
}
