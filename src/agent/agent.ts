import path from 'node:path';
import type { AgentControl } from '../api/agent/context.ts';
import { type ApiContext, DEFAULT_API_SETTINGS, type NodeIdentity } from '../api/context.ts';
import { type Dashboard, startDashboard } from '../api/muster/dashboard.ts';
import { noTraffic } from '../api/muster/traffic.ts';
import type { About } from '../api/muster/wire.ts';
import { type Api, startApi } from '../api/server.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { startSessionExpiry } from '../cluster/session-expiry.ts';
import { startDns } from '../dns/server.ts';
import { messageOf } from '../errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import type { LocalNode } from '../registry/node.ts';
import { type Registry, startRegistry } from '../registry/registry.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { VERSION } from '../version.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import type { Config } from './config/schema.ts';
import { definitionsOf } from './definitions.ts';
import { startHousekeeping } from './housekeeping.ts';
import { advertiseAddress, nodeId } from './identity.ts';
import type { AgentLog } from './log.ts';
import { Teardown } from './teardown.ts';

export interface AgentOptions {
  log: AgentLog;
  /** Directory of the built dashboard. */
  uiDirectory?: string;
  /** Reads the configuration again, for a reload. Rejects with what is wrong; the old one then stays. */
  readConfig?: () => Promise<Config>;
  /** Asked for when somebody makes this agent leave over its API. */
  onLeave?: () => void;
  clock?: Clock;
  /** In [0, 1). */
  random?: () => number;
}

/** Where an agent can be reached; "host:port" as text. */
export interface AgentAddresses {
  readonly http: readonly string[];
  readonly dns: readonly string[];
  readonly balancer: readonly string[];
  readonly admin: readonly string[];
}

export interface Agent {
  readonly node: NodeIdentity;
  readonly catalog: Catalog;
  readonly registry: Registry;
  readonly addresses: AgentAddresses;
  /** Undefined when the configuration turns it off. */
  readonly balancer: Balancer | undefined;
  /** Reads the configuration again and swaps what can be swapped. Rejects, and keeps the old one, on any error. */
  reload(): Promise<void>;
  /** Takes no new traffic and lets the requests in flight end, at most for the configured time. Idempotent. */
  drain(): Promise<void>;
  /** Drains, then stops everything, the store last. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Builds an agent from its configuration and starts it. Throws `listen.*`, `store.unusable` or `config.invalid`;
 * nothing is left running then.
 */
export async function startAgent(config: Config, options: AgentOptions): Promise<Agent> {
  const teardown = new Teardown(options.log.logger.child('agent'));
  try {
    return await build(config, options, teardown);
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function build(config: Config, options: AgentOptions, teardown: Teardown): Promise<Agent> {
  const { log, clock = systemClock, random = Math.random } = options;
  const { logger } = log;
  const dataDirectory = config.node.dev ? undefined : config.node.dataDir;
  const store = openStore(dataDirectory, (error) =>
    logger.child('feed').error(`a reader of the change feed failed: ${messageOf(error)}`),
  );
  teardown.add('the store', () => store.close());

  const address = advertiseAddress(config.node.advertise, config.node.bind);
  const server = { port: config.ports.server, meta: { version: VERSION } };
  const localNode: LocalNode = {
    id: nodeId(config.node.id, dataDirectory),
    name: config.node.name,
    address,
    datacenter: config.node.datacenter,
    meta: config.node.meta,
    server,
  };
  const registry = await startRegistry({
    store,
    node: localNode,
    dataDirectory: dataDirectory === undefined ? undefined : path.join(dataDirectory, 'local'),
    clock,
    random,
    logger: logger.child('registry'),
    definitions: definitionsOf(config),
  });
  teardown.add('the registry', () => registry.stop());
  teardown.add('housekeeping', startHousekeeping({ store, clock, logger: logger.child('store') }));
  const sessions = startSessionExpiry({ store, clock, logger: logger.child('sessions') });
  teardown.add('the sessions', () => sessions.stop());

  const balancer = config.balancer.enabled
    ? await startBalancer({ config: config.balancer, catalog: store.catalog, logger })
    : undefined;
  teardown.add('the balancer', () => balancer?.stop());

  const dns: string[] = [];
  for (const host of config.node.client) {
    const started = await startDns({
      catalog: store.catalog,
      host,
      port: config.ports.dns,
      datacenter: config.node.datacenter,
      domain: config.dns.domain,
      altDomain: config.dns.altDomain ?? '',
      node: { name: localNode.name, address },
      options: config.dns,
      random,
      clock,
      logger,
    });
    teardown.add('DNS', () => started.stop());
    dns.push(started.address);
  }

  let current = config;
  const reload = async () => {
    if (options.readConfig === undefined) return;
    const next = await options.readConfig();
    await registry.reload(definitionsOf(next));
    current = next;
    logger.info('the configuration was read again: services and checks are in force');
  };
  const control: AgentControl = {
    registry,
    reload,
    leave: () => {
      registry
        .leave()
        .catch((error: unknown) => logger.warn(`could not leave the catalog: ${messageOf(error)}`))
        .finally(() => options.onLeave?.());
    },
    tailLog: (sink) => log.tail(sink),
    dataDirectory: dataDirectory ?? process.cwd(),
    prometheus: false,
    server: true,
  };

  // The dashboard tells people where the API is, the API serves the dashboard: the address is filled in between.
  const about: About & { api: string } = {
    node: localNode.name,
    datacenter: localNode.datacenter,
    version: VERSION,
    startedAt: clock.now(),
    api: '',
    dns: dns[0] ?? '',
    balancer: balancer?.addresses.listeners ?? [],
    domain: config.dns.domain,
  };
  const dashboard: Dashboard = startDashboard({
    catalog: store.catalog,
    traffic: balancer?.traffic ?? noTraffic,
    about,
    clock,
    logger,
  });
  teardown.add('the dashboard', () => dashboard.stop());

  const node: NodeIdentity = {
    id: localNode.id,
    name: localNode.name,
    datacenter: localNode.datacenter,
    advertiseAddress: address,
    version: VERSION,
    ports: { ...config.ports, dns: Number(dns[0]?.slice(dns[0].lastIndexOf(':') + 1) ?? config.ports.dns) },
  };
  const context: ApiContext = {
    store,
    catalog: store.catalog,
    node,
    sessions,
    settings: {
      ...DEFAULT_API_SETTINGS,
      prettyJson: config.node.dev,
      kvMaxValueSize: config.api.kvMaxValueSize,
      responseHeaders: config.api.responseHeaders,
      blockEndpoints: config.api.blockEndpoints,
    },
    clock,
    random,
    logger,
    dashboard,
    agent: control,
  };
  const http: HostPort[] = [];
  for (const host of config.node.client) {
    const api: Api = await startApi({
      context,
      host,
      port: config.ports.http,
      ...(config.api.ui && options.uiDirectory !== undefined ? { uiDirectory: options.uiDirectory } : {}),
    });
    teardown.add('the HTTP API', () => api.stop());
    http.push(api.address);
  }
  about.api = http.map(({ host, port }) => formatHostPort(host, port))[0] ?? '';

  let draining: Promise<void> | undefined;
  const drain = (): Promise<void> => {
    draining ??= balancer?.drain(current.balancer.drainTimeout) ?? Promise.resolve();
    return draining;
  };
  return {
    node,
    catalog: store.catalog,
    registry,
    addresses: {
      http: http.map(({ host, port }) => formatHostPort(host, port)),
      dns,
      balancer: balancer?.addresses.listeners ?? [],
      admin: balancer === undefined ? [] : [balancer.addresses.admin],
    },
    balancer,
    reload,
    drain,
    async stop() {
      await drain();
      await teardown.run();
    },
  };
}

function openStore(dataDirectory: string | undefined, onSubscriberError: (error: unknown) => void): Store {
  return dataDirectory === undefined
    ? openMemoryStore({ onSubscriberError })
    : openEmbeddedStore({ path: path.join(dataDirectory, 'catalog'), onSubscriberError });
}
