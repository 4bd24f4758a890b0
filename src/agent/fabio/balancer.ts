import type { Admin } from '../../api/admin/admin.ts';
import type { Discovery } from '../../discovery/instance.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import { ownAddress } from '../../lib/own-address.ts';
import type { Sockets } from '../../lib/sockets.ts';
import { Certificates } from '../../proxy/certificates/certificates.ts';
import { CounterReader, SLOTS } from '../../proxy/counters.ts';
import type { Farewell } from '../../proxy/farewell.ts';
import { ProxyFleet } from '../../proxy/fleet.ts';
import type { AuthScheme, ProxySettings } from '../../proxy/settings.ts';
import { type Router, startRouter } from '../../route/router.ts';
import { followAuthFiles } from '../auth-files.ts';
import type { Tracing } from '../telemetry/telemetry.ts';
import { startAdminOf } from './admin.ts';
import type { FabioConfig } from './config.ts';
import { DynamicListeners } from './dynamic-listeners.ts';
import { listenerSpecs, relaySpec, storesOf } from './listener-specs.ts';
import { type Metrics, startMetrics } from './metrics/metrics.ts';
import { REGISTRIES } from './registries/registries.ts';
import { RouteLog } from './route-log.ts';

export interface FabioBalancer {
  readonly listeners: readonly string[];
  readonly admin: string | undefined;
  readonly router: Router;
  /** Takes the balancer out of the registry, so that no new clients come. Idempotent. */
  deregister(): Promise<void>;
  /** Leaves its registration to another process, which has taken over. Idempotent. */
  release(): void;
  /** Takes no new connections and lets requests in flight end. Idempotent. */
  drain(farewell: Farewell): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** How long (ms) the start waits for certificates, so that the first clients find them. */
const CERTIFICATES_WAIT = 3_000;

const NO_DISCOVERY: Discovery = { instances: () => [], resync() {}, stop() {} };

interface Wait {
  /** In ms. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/** Resolves once it has told all that there is, and when the time or the program is over. */
function whole(discovery: Discovery, { timeout, signal, clock }: Wait): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const over = () => {
      cancel();
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const cancel = clock.after(timeout, over);
    signal?.addEventListener('abort', over);
    void Promise.resolve(discovery.whole).then(over);
  });
}

/** A balancer that does what fabio's settings say. Throws `listen.*` and `config.*`; nothing is left running then. */
export async function startFabio(
  config: FabioConfig,
  log: Logger,
  {
    sockets,
    tracing,
    workers,
    stickyKey,
    signal,
  }: {
    sockets?: Sockets | undefined;
    tracing?: Tracing | undefined;
    /** Default: one for each core. */
    workers?: number | undefined;
    /** What cookies of sticky routes are made with; default: random. */
    stickyKey?: string;
    /** Nothing is waited for any more: it is to end. */
    signal?: AbortSignal;
  } = {},
): Promise<FabioBalancer> {
  const { values, table, strategy } = config;
  const clock = systemClock;
  const counters = new CounterReader();
  const registry = REGISTRIES[config.backend](config, log.child('registry'));
  const routeLog = new RouteLog(config.routeLog, clock, log.child('routes'));
  const specs = listenerSpecs(config);
  let settings: ProxySettings = {
    ...settingsOf(config),
    sampler: tracing?.sampler,
    ...(stickyKey === undefined ? {} : { stickyKey }),
  };
  let isStarted = false;
  let discovery: Discovery = NO_DISCOVERY;
  const router: Router = startRouter({
    discover: (listener) => {
      discovery = registry.discover?.(listener) ?? NO_DISCOVERY;
      return discovery;
    },
    publish(delta) {
      // What comes before there are workers is in the snapshot that they begin with.
      if (!isStarted) return;
      fleet.publish(delta);
      routeLog.changed(router);
      registry.register?.(aliasesOf(router));
    },
    slots: {
      capacity: SLOTS,
      isIdle: (slot) => counters.isIdle(slot),
      onAssign: (slot) => counters.clear(slot),
    },
    log: log.child('routes'),
    tagPrefix: values['registry.consul.tagprefix'],
    strategy,
    table,
    slotsPer: 'destination',
    authSchemes: config.auth.map(({ name }) => name),
  });
  const fleet: ProxyFleet = new ProxyFleet(
    {
      listeners: specs,
      workers,
      log,
      snapshot: () => router.snapshot(),
      limits: config.limits,
      table,
      localAddress: config.localAddress || ownAddress(),
      settings,
      onSpans: (batch) => tracing?.take(batch),
      sockets,
      onApplied: (version) => router.settled(version),
    },
    counters,
  );
  isStarted = true;
  const configure = (changes: Partial<ProxySettings>) => {
    settings = { ...settings, ...changes };
    fleet.configure(settings);
  };
  const certificates = new Certificates({
    stores: storesOf(config),
    clock,
    log: log.child('tls'),
    publish: (store, spec) => fleet.setCertificates(store, spec),
  });
  let admin: Admin | undefined;
  let metrics: Metrics | undefined;
  const dynamic = config.listeners
    .filter(({ protocol }) => protocol === 'tcp-dynamic')
    .map(
      (listener) =>
        new DynamicListeners({
          host: listener.host,
          refresh: listener.refresh,
          spec: relaySpec(listener, config),
          router,
          fleet,
          clock,
          log: log.child('tcp'),
        }),
    );
  let stopAuth = () => {};
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      registry.stop();
      for (const one of dynamic) one.stop();
      router.stop();
      routeLog.stop();
      certificates.stop();
      stopAuth();
      await Promise.all([registry.deregister?.(), fleet.stop(), admin?.stop(), metrics?.stop()]);
    })();
    return stopping;
  };
  try {
    stopAuth = followAuthFiles(config.auth, {
      setting: 'proxy.auth',
      clock,
      log: log.child('auth'),
      tell: (auth: Record<string, AuthScheme>) => configure({ auth }),
    });
    registry.start({
      config,
      log: log.child('registry'),
      clock,
      random: Math.random,
      setCommands: (texts) => router.setCommands(texts),
      setNoRoutePage: (html) => configure({ noRoute: { status: values['proxy.noroutestatus'], html } }),
    });
    await certificates.ready(CERTIFICATES_WAIT);
    // Who is taken before the first routes are there hears 404.
    await whole(discovery, { timeout: values['registry.timeout'], signal, clock });
    await fleet.listen();
    for (const one of dynamic) await one.start();
    metrics = await startMetrics(config, { counters, router, clock, log: log.child('metrics'), sockets });
    admin = await startAdminOf(config, { router, manual: registry.manual, log, sockets });
    registry.register?.(aliasesOf(router));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    listeners: [...fleet.addresses.values()].map(({ host, port }) => formatHostPort(host, port)),
    admin: admin === undefined ? undefined : formatHostPort(admin.address.host, admin.address.port),
    router,
    deregister: async () => registry.deregister?.(),
    release: () => registry.release?.(),
    drain: (farewell) => fleet.stop(farewell),
    stop,
  };
}

function settingsOf({ values, headers }: FabioConfig): ProxySettings {
  const target = values['log.access.target'];
  const types = values['proxy.gzip.contenttype'];
  return {
    noRoute: { status: values['proxy.noroutestatus'], html: '' },
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(target === '' ? {} : { accessLog: { format: values['log.access.format'], target } }),
    ...(types === '' ? {} : { compress: types }),
  };
}

/** Names that routes ask the balancer to be known under. */
function aliasesOf(router: Router): string[] {
  return [...new Set(router.routes().flatMap(({ aliases }) => aliases))];
}
