import type { Acl } from '../acl/acl.ts';
import { type ApiContext, DEFAULT_API_SETTINGS } from '../api/context.ts';
import { ApiCounts } from '../api/counts.ts';
import { endpoints } from '../api/endpoints.ts';
import { clusterNow } from '../api/muster/cluster.ts';
import { startDashboard } from '../api/muster/dashboard.ts';
import { noTraffic } from '../api/muster/traffic.ts';
import type { About } from '../api/muster/wire.ts';
import { type Api, type ApiOptions, startApi } from '../api/server.ts';
import { History } from '../catalog/history.ts';
import { KeyHistory } from '../catalog/key-history.ts';
import type { DnsCounts } from '../dns/counts.ts';
import { startHostsFile } from '../dns/hosts-file.ts';
import type { Dns } from '../dns/listen.ts';
import { startDns } from '../dns/server.ts';
import { type Clock, pause } from '../lib/clock.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { Family } from '../lib/metrics.ts';
import { type Sockets, unixPlace } from '../lib/sockets.ts';
import { describeCarriage } from '../proxy/choice.ts';
import type { LocalNode } from '../registry/node.ts';
import { isReadable, type Store } from '../store/store.ts';
import type { Balancer } from './balancer.ts';
import { forwardOptions } from './config/dns-forward.ts';
import type { Config } from './config/schema.ts';
import { withHeldBack } from './held-back.ts';
import { type Https, startHttps } from './https.ts';
import type { AgentLog } from './log.ts';
import type { RegistratorSources } from './metrics/registrator.ts';
import { families } from './metrics/table.ts';
import type { Teardown } from './teardown.ts';
import type { Tracing } from './telemetry/telemetry.ts';
import type { AgentTemplates } from './templates.ts';
import { clearSocket, grantSocket, socketPath } from './unix-socket.ts';

/** What every part of an agent is built with. */
export interface Parts {
  readonly config: Config;
  readonly log: AgentLog;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly teardown: Teardown;
  /** Those of the process. */
  readonly sockets: Sockets;
}

/** The name servers of an agent. */
export interface DnsDoors {
  /** "host:port". */
  readonly addresses: readonly string[];
  /** The catalog is there: names can be told to others than those who ask. */
  begin(): void;
  /** Another process has the sockets: resolves when what was asked here is answered, as far as can be waited for. */
  leave(): Promise<void>;
}

/** The HTTP API of an agent. */
export interface HttpDoors {
  /** "host:port", "unix:///path", "https://host:port". */
  readonly addresses: readonly string[];
  /** All figures at this moment. */
  readonly metrics: () => Family[];
  /** The catalog is there, and the balancer: from now on the dashboard and the histories follow them. */
  begin(): void;
  /** As of `Api`. */
  hold(): Promise<void>;
  /** Another process has the sockets: resolves when nobody has a connection here any more. */
  leave(): Promise<void>;
}

/** How long (ms) other name servers may take to answer what was asked here; then the asker asks again. */
const LATE_ANSWERS = 2_000;

/** A port that switches its listener off, as in Consul. */
const OFF = -1;

/** Answers DNS on every client address. Answers with where, "host:port". */
export async function listenDns(
  { config, log, clock, random, teardown, sockets }: Parts,
  store: Store,
  node: LocalNode,
  acl: Acl | undefined,
  counts: DnsCounts,
): Promise<DnsDoors> {
  const { catalog } = store;
  const addresses: string[] = [];
  const open: Dns[] = [];
  for (const host of config.ports.dns === OFF ? [] : (config.dns.address ?? config.node.client)) {
    const dns = await startDns({
      catalog,
      isReadable: () => isReadable(store),
      host,
      port: config.ports.dns,
      datacenter: node.datacenter,
      domain: config.dns.domain,
      altDomain: config.dns.altDomain ?? '',
      node,
      options: { ...config.dns, forward: forwardOptions(config.dns) },
      ...(acl === undefined ? {} : { access: acl }),
      random,
      clock,
      logger: log.logger,
      sockets,
      counts,
    });
    teardown.add('DNS', () => dns.stop(), 'service');
    addresses.push(dns.address);
    open.push(dns);
  }
  const { hostsFile, domain } = config.dns;
  return {
    addresses,
    begin() {
      if (hostsFile === undefined) return;
      const file = startHostsFile({ ...hostsFile, catalog, domain, clock, logger: log.logger.child('dns') });
      teardown.add('the hosts file', () => file.stop());
    },
    async leave() {
      for (const dns of open) dns.leave();
      if (open.length > 0) await pause(clock, LATE_ANSWERS);
    },
  };
}

/** Serves the HTTP API and the dashboard on every client address. */
export async function listenHttp(
  { config, log, clock, teardown, sockets }: Parts,
  context: Omit<ApiContext, 'settings' | 'dashboard' | 'history' | 'keyHistory'>,
  seen: {
    /** Whether there is a catalog, and what begins with it; otherwise `begin` is called once there is. */
    isWhole: boolean;
    balancer: () => Balancer | undefined;
    tracing: Tracing | undefined;
    registrator: RegistratorSources['registrator'];
    /** They are started when clients are answered already. */
    templates: () => AgentTemplates | undefined;
    dns: readonly string[];
    dnsCounts: DnsCounts;
    uiDirectory: string | undefined;
  },
): Promise<HttpDoors> {
  const { node, catalog } = context;
  // The dashboard says where the API is, and the API serves the dashboard: the address is filled in between.
  const about: About & { api: string } = {
    node: node.name,
    datacenter: node.datacenter,
    version: node.version,
    startedAt: clock.now(),
    api: '',
    dns: seen.dns[0] ?? '',
    get balancer() {
      const { listeners = [], services = [] } = seen.balancer()?.addresses ?? {};
      return [...listeners, ...services];
    },
    // Asked each time: it changes when the system takes a transport away.
    get carriage() {
      const balancer = seen.balancer();
      return balancer === undefined ? '' : describeCarriage(balancer.carriage());
    },
    domain: config.dns.domain,
    acl: context.acl !== undefined,
  };
  const follow = () => {
    const traffic = withHeldBack(
      seen.balancer()?.traffic ?? noTraffic,
      node.name,
      () => context.agent?.registry.counts.heldBack ?? 0,
    );
    const { groups, connections, events } = context;
    const dashboard = startDashboard({
      catalog,
      traffic,
      about,
      clock,
      logger: log.logger,
      look: (before) => clusterNow(context, before),
      sampled: {
        groups: () => groups?.().map((group) => group.view()),
        connections: () => connections?.(),
      },
      events,
    });
    teardown.add('the dashboard', () => dashboard.stop(), 'service');
    const history = new History({ catalog, clock, maxBytes: config.api.historySize });
    // Besides: a quarter of it for values of keys, of which most systems have few.
    const keyHistory = new KeyHistory({ catalog, clock, maxBytes: config.api.historySize / 4 });
    teardown.add(
      'the history',
      async () => {
        history.stop();
        keyHistory.stop();
      },
      'service',
    );
    return { dashboard, history, keyHistory };
  };
  const settings = {
    ...DEFAULT_API_SETTINGS,
    prettyJson: config.node.dev,
    kvMaxValueSize: config.api.kvMaxValueSize,
    responseHeaders: config.api.responseHeaders,
    blockEndpoints: config.api.blockEndpoints,
    useCache: config.api.useCache,
    sessionTtlMin: config.api.sessionTtlMin,
    defaultWait: config.api.defaultQueryTime,
    maxWait: config.api.maxQueryTime,
    writersFrom: config.api.allowWriteFrom,
    txnMaxSize: config.api.txnMaxReqLen,
  };
  const counts = new ApiCounts(endpoints.map(({ path }) => path.split('/')[2] ?? ''));
  const { agent, ...sources } = context;
  const metrics = () =>
    agent === undefined
      ? []
      : families({
          ...sources,
          registry: agent.registry,
          dashboard: full.dashboard,
          api: counts,
          dns: seen.dnsCounts,
          balancer: seen.balancer(),
          tracing: seen.tracing,
          registrator: seen.registrator,
          templates: seen.templates(),
          groups: context.groups ?? (() => []),
        });
  // What follows the catalog joins it when that is there.
  const full: ApiContext & Partial<ReturnType<typeof follow>> = { ...context, settings, counts, metrics };
  const begin = () => void Object.assign(full, follow());
  if (seen.isWhole) begin();
  const options = {
    context: full,
    ...(seen.uiDirectory === undefined ? {} : { uiDirectory: seen.uiDirectory }),
  };
  const addresses: string[] = [];
  const apis: Api[] = [];
  const behindTls: Https[] = [];
  const open = async (place: Pick<ApiOptions, 'host' | 'port' | 'path'>): Promise<Api> => {
    const api = await startApi({ ...options, ...place, sockets });
    teardown.add('the HTTP API', () => api.stop(), 'service');
    apis.push(api);
    return api;
  };
  const hosts = config.api.address ?? config.node.client;
  for (const host of config.ports.http === OFF ? [] : hosts) {
    const path = socketPath(host);
    if (path === undefined) {
      const { address } = await open({ host, port: config.ports.http });
      addresses.push(formatHostPort(address.host, address.port));
    } else {
      // One that another process opened for this one is as it should be.
      const isNew = !sockets.has(unixPlace(path));
      if (isNew) await clearSocket(path);
      await open({ path });
      if (isNew) grantSocket(path, config.api.unixSocket);
      addresses.push(host);
    }
  }
  const { tls } = config.api;
  if (config.ports.https !== OFF && tls?.cert !== undefined) {
    const own = hosts.filter((host) => socketPath(host) === undefined);
    for (const host of tls.address ?? (own.length > 0 ? own : config.node.client)) {
      const secure = await startHttps({
        ...tls,
        cert: tls.cert,
        api: apis[0] ?? (await open({})),
        host,
        port: config.ports.https,
        clock,
        log: log.logger.child('https'),
        sockets,
      });
      teardown.add('the HTTPS API', () => secure.stop(), 'service');
      behindTls.push(secure);
      addresses.push(`https://${formatHostPort(secure.address.host, secure.address.port)}`);
    }
  }
  about.api = addresses[0] ?? '';
  return {
    addresses,
    metrics,
    begin,
    hold: async () => void (await Promise.all(apis.map((api) => api.hold()))),
    leave: async () => void (await Promise.all([...behindTls, ...apis].map((one) => one.leave()))),
  };
}
