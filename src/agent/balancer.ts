import type { Door } from '../api/access.ts';
import type { TrafficSource } from '../api/muster/traffic.ts';
import type { ConnectionsView } from '../api/muster/wire-answers.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { followCatalog } from '../discovery/catalog.ts';
import { isMusterError, messageOf } from '../errors.ts';
import type { Traffic } from '../group/surroundings.ts';
import { systemClock } from '../lib/clock.ts';
import { type HostPort, parseHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { Sockets } from '../lib/sockets.ts';
import type { SourceOptions } from '../proxy/certificates/kinds.ts';
import type { Carriage } from '../proxy/choice.ts';
import type { CounterReader } from '../proxy/counters.ts';
import type { Farewell } from '../proxy/farewell.ts';
import type { ProxySettings } from '../proxy/settings.ts';
import { DEFAULT_TLS } from '../proxy/tls/spec.ts';
import type { Router } from '../route/router.ts';
import { DEFAULT_BALANCER } from './config/balancer.ts';
import type { HttpConfig } from './config/http.ts';
import { type CertificatesConfig, isHttps, type ListenerConfig, sourceOf } from './config/listeners.ts';
import type { Config } from './config/schema.ts';
import { type Entrance, isForRequests } from './explain.ts';
import { type FrontListener, startFront } from './front.ts';
import { followSettings } from './http-settings.ts';
import { startServices } from './l4/catalog-service.ts';
import type { Tracing } from './telemetry/telemetry.ts';
import { instanceTraffic, trafficOf } from './traffic.ts';

export interface BalancerOptions {
  config: Config['balancer'];
  catalog: Catalog;
  /** What the admin API asks tokens of. */
  door: Door;
  /** Where it stands; "": nowhere in particular. */
  zone: string;
  /** What cookies of sticky routes are made with. */
  stickyKey: string;
  /** Undefined: no spans. */
  tracing?: Tracing | undefined;
  logger: Logger;
  /** Those of the process. */
  sockets?: Sockets | undefined;
}

/** The balancer of an agent: routes from the catalog, the proxy's workers, the admin API. */
export interface Balancer {
  readonly addresses: {
    /** For HTTP; host:port of each. */
    readonly listeners: readonly string[];
    /** The same with "http://" or "https://" in front. */
    readonly urls: readonly string[];
    /** Of TCP routes, and of the services over TCP and UDP, each with its protocol in front: "tcp://127.0.0.1:5000". */
    readonly services: readonly string[];
    /** Undefined when its default address was taken. */
    readonly admin: string | undefined;
  };
  readonly router: Router;
  readonly counters: CounterReader;
  carriage(): Carriage;
  readonly traffic: TrafficSource;
  /** What was counted of an instance, by discovery's id for it; undefined when no route leads to it. */
  trafficOf(id: string): Traffic | undefined;
  /** Who holds how many connections of the TCP and UDP services. */
  connections(): readonly ConnectionsView[];
  /** Takes over what the configuration now says of HTTP besides routing. Throws `config.unreadable`; the old one then stays. */
  reload(config: HttpConfig & Pick<Config['balancer'], 'policy'>): void;
  /** Takes no new connections and lets requests in flight end. Idempotent. */
  drain(farewell: Farewell): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Throws `listen.*`; nothing is left running then. Addresses that were not configured are given up when they are taken,
 * with a warning, so that several agents run on one machine: undefined, then, or a balancer without its admin API.
 */
export async function startBalancer(options: BalancerOptions): Promise<Balancer | undefined> {
  const { listen, listener, service, admin } = options.config;
  try {
    return await build(options);
  } catch (error) {
    if (
      listen !== undefined ||
      listener.length > 0 ||
      service.length > 0 ||
      admin !== undefined ||
      !isMusterError(error, 'listen.in_use')
    )
      throw error;
    options.logger
      .child('balancer')
      .warn(
        `going on without the balancer: ${messageOf(error)} \`balancer.listen\` (-balancer-listen) says where.`,
      );
    return undefined;
  }
}

async function build({
  config,
  catalog,
  door,
  zone,
  stickyKey,
  tracing,
  logger,
  sockets,
}: BalancerOptions): Promise<Balancer> {
  const { limits, strategy, tagPrefix, matcher, workers, listener, certificates, policy: policies } = config;
  const { listen = listener.length === 0 ? DEFAULT_BALANCER.listen : [] } = config;
  const log = logger.child('balancer');
  let settings: ProxySettings = {};
  let configure = (_: ProxySettings) => {};
  const follow = (http: HttpConfig) =>
    followSettings(http, {
      clock: systemClock,
      log,
      tell(told) {
        settings = { ...told, stickyKey };
        configure(settings);
      },
    });
  let stopFollowing = follow(config);
  const front = await startFront({
    discover: (listener, concerns) => followCatalog({ catalog, concerns }, listener),
    listen: [
      ...listen.map((address) => placeOf(address)),
      ...listener.map((one) => listenerOf(one, certificates)),
    ],
    certificates: storesOf(certificates),
    catalog,
    admin: parseHostPort(config.admin ?? DEFAULT_BALANCER.admin) as HostPort,
    mayLackAdmin: config.admin === undefined,
    door,
    limits,
    strategy,
    tagPrefix,
    matcher,
    settings,
    policies,
    zone,
    workers,
    tracing,
    log,
    sockets,
  }).catch((error: unknown) => {
    stopFollowing();
    throw error;
  });
  configure = (changed) => front.configure(changed);
  // What files said while it started.
  configure(settings);
  const services = await startServices(config.service, { catalog, certificates, zone, log, sockets }).catch(
    async (error: unknown) => {
      stopFollowing();
      await front.stop();
      throw error;
    },
  );
  const { entrances, admin, router, counters } = front;
  const addressesOf = (some: readonly Entrance[]) => some.map(({ address }) => address);
  const listeners = addressesOf(entrances.filter(isForRequests));
  const relays = addressesOf(entrances.filter((one) => !isForRequests(one)));
  // A port for HTTPS and names is asked by HTTPS.
  const urls = entrances
    .filter(isForRequests)
    .map(({ address, protocol }) => `${protocol === 'http' ? 'http' : 'https'}://${address}`);
  const requestsOf = instanceTraffic({ router, counters });
  return {
    addresses: {
      listeners,
      urls,
      services: [...relays.map((address) => `tcp://${address}`), ...(services?.addresses ?? [])],
      admin,
    },
    router,
    counters,
    carriage: () => front.carriage(),
    traffic: trafficOf({
      catalog,
      router,
      counters,
      entrances,
      settings: () => settings,
      connections: () => services?.connections() ?? [],
      ejections: () => front.ejections(),
    }),
    trafficOf: (id) => requestsOf(id) ?? connectionsOf(id, services?.connections() ?? []),
    connections: () => services?.connections() ?? [],
    reload(again) {
      const stopBefore = stopFollowing;
      stopFollowing = follow(again);
      stopBefore();
      router.setPolicies(again.policy);
    },
    async drain(farewell) {
      await Promise.all([front.drain(farewell), services?.front.drain(farewell)]);
    },
    async stop() {
      stopFollowing();
      await Promise.all([front.stop(), services?.front.stop()]);
    },
  };
}

/** What an instance of a TCP or UDP service was given: a connection counts as a request that lasts. */
function connectionsOf(id: string, services: readonly ConnectionsView[]): Traffic | undefined {
  const found = services
    .flatMap(({ instances }) => instances)
    .filter((instance) => `${instance.node}/${instance.id}` === id);
  if (found.length === 0) return undefined;
  const sum = (field: 'connections' | 'refused' | 'active') =>
    found.reduce((total, instance) => total + instance[field], 0);
  const active = sum('active');
  return { requests: sum('connections'), errors: sum('refused'), inFlight: active, connections: active };
}

function placeOf(address: string): HostPort {
  return parseHostPort(address) as HostPort;
}

function listenerOf(config: ListenerConfig, sources: readonly CertificatesConfig[]): FrontListener {
  const { address, protocol, acceptProxy, certificates: store, ciphers, curves, ...rest } = config;
  const { http2 = isHttps(protocol) } = config;
  if (protocol === 'http') return { ...placeOf(address), http2, acceptProxy };
  if (protocol === 'tcp') return { ...placeOf(address), relays: 'address', acceptProxy };
  if (protocol === 'tcp+sni') return { ...placeOf(address), relays: 'name', acceptProxy };
  const hasClientCa = sources.some(({ name, clientCa }) => name === store && clientCa !== undefined);
  const {
    minVersion,
    maxVersion,
    tickets,
    strict,
    handshakeTimeout,
    clientAuth = hasClientCa ? 'required' : 'none',
  } = rest;
  return {
    ...placeOf(address),
    http2,
    acceptProxy,
    relaysNames: protocol === 'https+tcp+sni',
    tls: {
      store,
      minVersion,
      maxVersion,
      tickets,
      strict,
      handshakeTimeout,
      clientAuth,
      alpn: DEFAULT_TLS.alpn,
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(curves === undefined ? {} : { curves }),
    },
  };
}

function storesOf(sources: readonly CertificatesConfig[]): Map<string, SourceOptions[]> {
  const stores = new Map<string, SourceOptions[]>();
  for (const source of sources)
    stores.set(source.name, [...(stores.get(source.name) ?? []), sourceOf(source)]);
  return stores;
}
