import path from 'node:path';
import type { AgentControl } from '../api/agent/context.ts';
import type { NodeIdentity } from '../api/context.ts';
import { concerns } from '../api/event/fire.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { noteLeft } from '../catalog/commands/left-member.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { EventLog } from '../cluster/event-log.ts';
import { DnsCounts } from '../dns/counts.ts';
import { messageOf } from '../errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type HostPort, parseHostPort } from '../lib/host-port.ts';
import { Sockets } from '../lib/sockets.ts';
import type { Registry } from '../registry/registry.ts';
import { VERSION } from '../version.ts';
import { putInPlace, startAcl } from './acl.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { waitingForRestart } from './config/reloadable.ts';
import type { Config } from './config/schema.ts';
import { definitionsOf } from './definitions.ts';
import { listenDns, listenHttp, type Parts } from './doors.ts';
import type { Groups } from './groups.ts';
import { startHousekeeping } from './housekeeping.ts';
import { stickyKey } from './http-settings.ts';
import { advertiseAddress, nodeId } from './identity.ts';
import { type Late, startLate } from './late.ts';
import type { AgentLog } from './log.ts';
import { startOwnRegistry } from './own-registry.ts';
import { Teardown } from './teardown.ts';
import { telemetryOf } from './telemetry/telemetry.ts';
import { openTruth } from './truth.ts';

export interface AgentOptions {
  log: AgentLog;
  /** Directory of the built dashboard. */
  uiDirectory?: string;
  /** Reads the configuration again, for a reload. Rejects with what is wrong; the old one then stays. */
  readConfig?: () => Promise<Config>;
  /** Asked for when somebody makes this agent leave over its API. */
  onLeave?: () => void;
  /** Takes each line that an instance of a group writes; the log does unless told otherwise. */
  groupOutput?: (instance: string, stream: 'stdout' | 'stderr', line: string) => void;
  clock?: Clock;
  /** In [0, 1). */
  random?: () => number;
  /** Gives up a start that waits for other nodes. */
  signal?: AbortSignal;
  /**
   * Called when no server was found at the first attempt, once the API and DNS are open: the start goes on when one is reached. Without it
   * nothing is opened until then.
   */
  onAway?: (waiting: Pick<Agent, 'reload'>) => void;
  /** Those of the process; default: everything opens its own. */
  sockets?: Sockets;
  /** Has another process take over; resolves with its pid. Rejects with why this one goes on. */
  replace?: () => Promise<number>;
}

/** Where an agent can be reached; "host:port" as text. */
export interface AgentAddresses {
  readonly http: readonly string[];
  readonly dns: readonly string[];
  /** With "http://" or "https://" in front. */
  readonly balancer: readonly string[];
  /** Of the services over TCP and UDP, each with its protocol in front: "tcp://…". */
  readonly services: readonly string[];
  readonly admin: readonly string[];
}

export interface Agent {
  readonly node: NodeIdentity;
  readonly catalog: Catalog;
  readonly registry: Registry;
  readonly addresses: AgentAddresses;
  /** Undefined when the configuration turns it off, or when its default address was taken. */
  readonly balancer: Balancer | undefined;
  readonly groups: Groups;
  /**
   * Reads the configuration again and swaps what can be swapped; resolves with the settings that wait for another process. Rejects, and
   * keeps the old one, on any error.
   */
  reload(): Promise<readonly string[]>;
  /**
   * Another process goes on with the state: ends everything that changes it, the store last. Clients are still answered, from
   * memory; requests over the API that may change something wait.
   */
  yield(): Promise<void>;
  /**
   * Takes no new traffic and lets the requests in flight end, at most for the configured time. `isReplaced`: whoever the state was
   * yielded to serves; all clients are passed on to it. Idempotent.
   */
  drain(isReplaced?: boolean): Promise<void>;
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
  const { log, clock = systemClock, random = Math.random, sockets = new Sockets() } = options;
  const { logger } = log;
  const parts: Parts = { config, log, clock, random, teardown, sockets };
  const dataDirectory = config.node.dev ? undefined : config.node.dataDir;
  const who = {
    id: nodeId(config.node.id, dataDirectory),
    name: config.node.name,
    address: advertiseAddress(config.node.advertise, config.node.bind),
  };
  const events = new EventLog(clock);
  const truth = await openTruth(parts, who, {
    onEvent: (event) => {
      if (concerns(event, { catalog: truth.store.catalog, node: who })) events.receive(event);
    },
    signal: options.signal,
    mayBeAway: options.onAway !== undefined,
  });
  const { store, disk, environment, sessions, leadership, cluster, isServer } = truth;
  teardown.add('the sessions', () => sessions.stop());
  const registry = await startOwnRegistry(parts, who, { store, disk, isServer });
  teardown.add('the registry', () => registry.stop());
  teardown.add(
    'housekeeping',
    leadership.whileLeading(() => startHousekeeping({ store, clock, logger: logger.child('store') })),
  );
  const acl = config.acl.enabled ? startAcl(parts, truth, registry.node, dataDirectory) : undefined;
  teardown.add('access control', () => acl?.stop(), 'service');
  const door = { acl, node: registry.node.name };
  const telemetry = telemetryOf(config.telemetry, {
    node: { ...registry.node, version: VERSION },
    env: process.env,
    clock,
    random,
    logger: logger.child('telemetry'),
  });
  teardown.add('traces', () => telemetry.stop(), 'service');
  let balancer: Balancer | undefined;
  /** What goes by the catalog. Before there is one the balancer is not open: without routes it would answer 404. */
  const balance = async (): Promise<void> => {
    if (acl !== undefined)
      await putInPlace(acl, store, { clock, logger: logger.child('acl'), signal: options.signal });
    if (config.balancer.enabled)
      balancer = await startBalancer({
        config: config.balancer,
        catalog: store.catalog,
        door,
        zone: config.balancer.zone || (config.node.meta.zone ?? ''),
        stickyKey: stickyKey(config, who.id),
        tracing: telemetry.tracing,
        logger,
        sockets,
      });
    teardown.add('the balancer', () => balancer?.stop(), 'service');
    if (config.balancer.kernel.length > 0) {
      const { startKernel } = await import('./kernel.ts');
      const kernel = await startKernel(config.balancer.kernel, {
        catalog: store.catalog,
        node: registry.node.name,
        logger: logger.child('kernel'),
      });
      teardown.add('balancing in the kernel', (why) => (why === 'yield' ? kernel.release() : kernel.stop()));
    }
  };
  const isWhole = truth.ready === undefined;
  let isStarting = !isWhole;
  if (isWhole) await balance();
  const dnsCounts = new DnsCounts();
  const names = await listenDns(parts, store, registry.node, acl, dnsCounts);
  const dns = names.addresses;
  if (isWhole) names.begin();

  // What few use is loaded by those who do: a start is made of the code that it loads.
  const registrator = config.registrator.enabled
    ? (await import('./registrator.ts')).startAgentRegistrator({
        config: config.registrator,
        node: registry.node,
        registry,
        env: process.env,
        clock,
        random,
        logger,
      })
    : undefined;
  teardown.add('the registrator', () => registrator?.stop());

  let draining: Promise<void> | undefined;
  let late: Late | undefined;
  let isReadAgain = false;
  const renew = (again: Config): void => {
    log.setLevel(again.log.level);
    acl?.tokens.configure(again.acl.tokens);
  };
  const readAgain = async (): Promise<readonly string[]> => {
    if (options.readConfig === undefined) return [];
    const again = await options.readConfig();
    const waiting = waitingForRestart(config, again);
    if (isStarting) {
      // Balancer, groups, templates and watches are not there yet: they are told when they are.
      isReadAgain = true;
      renew(again);
      await registry.reload(definitionsOf(again), again.node.meta);
      logger.info(
        'the configuration was read again: services, checks, metadata of the node, tokens and the log level are in force',
      );
      return waiting;
    }
    // First: a file of it that cannot be read keeps the old configuration, whole.
    balancer?.reload(again.balancer);
    renew(again);
    await registry.reload(definitionsOf(again), again.node.meta);
    await late?.reload(again);
    logger.info(
      'the configuration was read again: services, checks, metadata of the node, tokens, the log level, groups, templates, watches and what the balancer does with HTTP are in force',
    );
    if (waiting.length > 0)
      logger.warn(
        `changed, but not in force before \`muster reload -process\` or a restart: ${waiting.join(', ')}`,
      );
    return waiting;
  };
  // One after the other: what was read last is in force in the end. The first waits for the start, which goes by what was read before.
  let beginReloads = () => {};
  let reloading: Promise<unknown> = new Promise<void>((resolve) => {
    beginReloads = resolve;
  });
  const reload = (): Promise<readonly string[]> => {
    const turn = reloading.then(readAgain);
    reloading = turn.catch(() => {});
    return turn;
  };
  const control: AgentControl = {
    registry,
    reload,
    ...(options.replace === undefined ? {} : { replace: options.replace }),
    leave: async () => {
      try {
        // In one commit: of a node that is noted and still there the leader would take it that it is back.
        await registry.leave((tx) => {
          if (cluster !== undefined) noteLeft(tx, config.node.name);
        });
        await cluster?.leave();
      } catch (error) {
        logger.warn(`could not leave: ${messageOf(error)}`);
        throw error;
      } finally {
        // Whoever asked is answered first.
        setImmediate(() => options.onLeave?.());
      }
    },
    tailLog: (sink) => log.tail(sink),
    dataDirectory: dataDirectory ?? process.cwd(),
    prometheus: config.telemetry.prometheusRetentionTime > 0,
    server: isServer,
    ...(cluster === undefined ? {} : { join: (address: string) => joinAt(cluster, address) }),
    carriage: () => balancer?.carriage(),
    isStarting: () => isStarting,
    isDraining: () => draining !== undefined,
    diskTrouble: () => environment?.trouble,
  };
  const node: NodeIdentity = {
    id: registry.node.id,
    name: registry.node.name,
    datacenter: registry.node.datacenter,
    advertiseAddress: registry.node.address,
    version: VERSION,
    ports: { ...config.ports, dns: portOf(dns[0]) ?? config.ports.dns },
  };
  const startedAt = clock.now();
  const api = await listenHttp(
    parts,
    {
      store,
      catalog: store.catalog,
      node,
      ...(acl === undefined ? {} : { acl }),
      sessions,
      events,
      ...(cluster === undefined ? {} : { cluster }),
      ...(truth.keys === undefined ? {} : { keys: truth.keys }),
      startedAt,
      clock,
      random,
      logger,
      agent: control,
      groups: () => late?.groups.list() ?? [],
      connections: () => balancer?.connections() ?? [],
    },
    {
      isWhole,
      balancer: () => balancer,
      tracing: telemetry.tracing,
      registrator,
      templates: () => late?.templates,
      dns,
      dnsCounts,
      uiDirectory: config.api.ui ? options.uiDirectory : undefined,
    },
  );
  const http = api.addresses;
  const figures = telemetry.sendFigures(api.metrics, startedAt);
  teardown.add('telemetry', () => figures.stop());

  if (truth.ready !== undefined) {
    logger.warn(
      'no server was reached yet: services are registered and checked here, and brought to the servers later; what needs the servers is refused, and the balancer is not open',
    );
    beginReloads();
    options.onAway?.({ reload });
    await truth.ready;
    await registry.catalogCame();
    await balance();
    names.begin();
    api.begin();
    logger.info('a server was reached, and the catalog is there');
  }
  try {
    late = await startLate(parts, {
      store,
      registry,
      balancer,
      disk:
        environment === undefined || dataDirectory === undefined
          ? undefined
          : { environment, directory: path.join(dataDirectory, 'groups') },
      http: http[0],
      groupOutput: options.groupOutput,
    });
  } finally {
    beginReloads();
  }
  isStarting = false;
  if (isReadAgain)
    await reload().catch((error: unknown) =>
      logger.error(`what the configuration said at the start stays: ${messageOf(error)}`),
    );
  const { groups } = late;

  const drain = (isReplaced = false): Promise<void> => {
    const farewell = { patience: config.balancer.drainTimeout, isReplaced };
    const left = isReplaced ? [names.leave(), atMost(farewell.patience, api.leave())] : [];
    draining ??= Promise.all([balancer?.drain(farewell), ...left]).then(() => {});
    return draining;
  };
  return {
    node,
    catalog: store.catalog,
    registry,
    addresses: {
      http,
      dns,
      balancer: balancer?.addresses.urls ?? [],
      services: balancer?.addresses.services ?? [],
      admin: balancer?.addresses.admin === undefined ? [] : [balancer.addresses.admin],
    },
    balancer,
    groups,
    reload,
    async yield() {
      await api.hold();
      await teardown.yield();
    },
    drain,
    async stop() {
      await drain();
      await teardown.run();
    },
  };
}

function joinAt(cluster: Cluster, address: string): Promise<void> {
  const { host, port } = parseHostPort(address) as HostPort;
  return cluster.join(host, port);
}

async function atMost(ms: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}

function portOf(address: string | undefined): number | undefined {
  return address === undefined ? undefined : parseHostPort(address)?.port;
}
