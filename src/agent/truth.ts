import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Cluster, type ClusterKeys, changeKeyring } from '../cluster/cluster.ts';
import type { UserEvent } from '../cluster/event-log.ts';
import { type Leadership, soleLeadership } from '../cluster/leadership.ts';
import { type SessionExpiry, startSessionExpiry } from '../cluster/session-expiry.ts';
import { isMusterError, MusterError, messageOf } from '../errors.ts';
import { steady } from '../lib/clock.ts';
import { contentIfNamed } from '../lib/content-of.ts';
import type { Logger } from '../lib/log.ts';
import { type LocalDisk, localDiskIn } from '../registry/disk.ts';
import type { Environment } from '../store/environment.ts';
import type { EtcdOptions } from '../store/etcd/client.ts';
import { openMemoryStore } from '../store/memory.ts';
import { isReadable, type Store } from '../store/store.ts';
import { VERSION } from '../version.ts';
import type { Config } from './config/schema.ts';
import type { Parts } from './doors.ts';
import { advertiseAddress } from './identity.ts';
import { adviceAlone, adviceOnCatalog, adviseOnAddress, adviseOnMove } from './role-advice.ts';

/** Where the truth is kept, and what hangs on that. */
export interface Truth {
  readonly store: Store;
  /** Where this node's own registrations are kept; undefined: nowhere. */
  readonly disk: LocalDisk | undefined;
  /** Where this node keeps what is its own; undefined: nowhere. */
  readonly environment: Environment | undefined;
  readonly sessions: SessionExpiry;
  readonly leadership: Leadership;
  /** Of an agent that is not alone. */
  readonly cluster?: Cluster;
  /** Of one that is alone and was given a key: others will have to have it. */
  readonly keys?: ClusterKeys;
  /** It keeps the catalog, alone or with others. */
  readonly isServer: boolean;
  /** Of an agent that has reached no server yet: resolves when the catalog is there, rejects when the start is given up. */
  readonly ready?: Promise<void>;
}

export interface Who {
  readonly id: string;
  readonly name: string;
  /** What others are told. */
  readonly address: string;
}

/** What an agent is, by its configuration. */
export function roleOf({ cluster, store }: Config): 'alone' | 'server' | 'client' | 'on etcd' {
  if (store.etcd.endpoints.length > 0) return 'on etcd';
  const joins = cluster.retryJoin.length > 0 || cluster.autoJoin !== undefined;
  if (!joins && (!cluster.server || cluster.bootstrapExpect <= 1)) return 'alone';
  return cluster.server ? 'server' : 'client';
}

/** The store of a node that is alone, kept at `catalog`, and what its disk keeps. @throws `store.unusable` */
async function openAlone(
  catalog: string | undefined,
  log: Logger,
  onSubscriberError: (error: unknown) => void,
): Promise<Pick<Truth, 'store' | 'environment' | 'disk'>> {
  if (catalog === undefined)
    return { store: openMemoryStore({ onSubscriberError }), environment: undefined, disk: undefined };
  const { openEmbeddedStore } = await import('../store/embedded.ts');
  const store = openEmbeddedStore({ path: catalog, log, onSubscriberError });
  return { store, environment: store.environment, disk: localDiskIn(store.environment) };
}

/** Opens the store that the configuration asks for. No code of clusters, or of what is kept on the disk, is loaded unless it is needed. */
export async function openTruth(
  parts: Parts,
  who: Who,
  {
    onEvent,
    signal,
    mayBeAway,
  }: {
    onEvent: (event: UserEvent) => void;
    signal: AbortSignal | undefined;
    /** Not to wait for servers that are away. */
    mayBeAway: boolean;
  },
): Promise<Truth> {
  const { config, log, clock, random, teardown } = parts;
  const { logger } = log;
  const dataDirectory = config.node.dev ? undefined : config.node.dataDir;
  const catalog = dataDirectory === undefined ? undefined : path.join(dataDirectory, 'catalog');
  const onSubscriberError = (error: unknown) =>
    logger.child('feed').error(`a reader of the change feed failed: ${messageOf(error)}`);
  const role = roleOf(config);
  const time = () => clock.now();
  const steadily = steady(clock);

  if (role === 'alone') {
    const advice = adviceAlone(config);
    if (advice !== undefined) logger.warn(advice);
    const { store, environment, disk } = await openAlone(catalog, logger.child('store'), onSubscriberError);
    teardown.add('the store', () => store.close());
    const sessions = startSessionExpiry({ store, clock: steadily, logger: logger.child('sessions') });
    const keys = await keysAlone(config.cluster.encrypt, clusterDirectory(dataDirectory));
    return {
      store,
      disk,
      environment,
      sessions,
      leadership: soleLeadership(who.id),
      isServer: true,
      ...keys,
    };
  }

  if (catalog !== undefined && existsSync(catalog)) logger.warn(adviceOnCatalog(catalog));
  const disk =
    dataDirectory === undefined
      ? undefined
      : (await import('../registry/open-disk.ts')).openLocalDisk(
          path.join(dataDirectory, 'local'),
          logger.child('store'),
        );
  const environment = disk?.environment;
  teardown.add('the registrations', () => disk?.close());
  if (role === 'on etcd') {
    const { openEtcdStore } = await import('../store/etcd/store.ts');
    const { startLeadership } = await import('../cluster/leadership.ts');
    const { startSharedSessions } = await import('../cluster/shared-sessions.ts');
    const { prefix } = config.store.etcd;
    const store = await openEtcdStore({
      ...etcdOptions(config),
      prefix,
      onSubscriberError,
      clock: steadily,
      time,
      random,
      logger: logger.child('store'),
    }).catch((error: unknown) => {
      throw isMusterError(error, 'store.unusable') ? withAdvice(error) : error;
    });
    teardown.add('the store', () => store.close());
    const leadership = await startLeadership({
      store,
      self: who.id,
      clock: steadily,
      logger: logger.child('leader'),
    });
    teardown.add('leadership', () => leadership.stop());
    const sessions = startSharedSessions({
      store,
      leadership,
      self: who.id,
      clock: steadily,
      logger: logger.child('sessions'),
    });
    return { store, disk, environment, sessions, leadership, isServer: true };
  }

  const { Keyring } = await import('../cluster/link/keyring.ts');
  const directory = clusterDirectory(dataDirectory);
  const keyring = Keyring.open(config.cluster.encrypt, directory);
  const { askAround } = await import('../cluster/auto-join.ts');
  const { findContacts } = await import('../cluster/contacts.ts');
  const { retryJoin, autoJoin } = config.cluster;
  const clusterLog = logger.child('cluster');
  const around =
    autoJoin === undefined
      ? undefined
      : () => askAround({ name: autoJoin, keyring, host: who.address, clock, logger: clusterLog });
  const find = () => findContacts(retryJoin, { port: config.ports.server, logger: clusterLog, around });
  const { advertise, bind } = config.node;
  const read = () => advertiseAddress(advertise, bind);
  teardown.add(
    'looking at the address',
    adviseOnMove({ address: who.address, read, clock, logger: clusterLog }),
  );
  const common = {
    self: { id: who.id, name: who.name, host: who.address, version: VERSION },
    port: config.ports.server,
    findContacts: adviseOnAddress(find, { address: who.address, logger: clusterLog }),
    autoJoin,
    keyring,
    onSubscriberError,
    onEvent,
    clock: steadily,
    time,
    random,
    logger: clusterLog,
    signal,
  };
  if (role === 'client') {
    const { startClient } = await import('../cluster/client.ts');
    const client = await startClient({ ...common, directory, mayBeAway });
    teardown.add('the cluster', () => client.stop());
    const { store, sessions, cluster, ready } = client;
    const own = { store, disk, environment, sessions, cluster, leadership: NEVER, isServer: false };
    return isReadable(store) ? own : { ...own, ready };
  }
  if (directory === undefined)
    throw new MusterError(
      'usage',
      'a server of a cluster keeps its data: give -data-dir=DIR instead of -dev',
    );
  const { startServer } = await import('../cluster/server.ts');
  const server = await startServer({
    ...common,
    directory,
    bind: config.node.bind,
    expect: config.cluster.bootstrapExpect,
    etcdBinary: config.cluster.etcd,
    peerPort: config.cluster.peerPort,
    reconnectTimeout: config.cluster.reconnectTimeout,
  });
  teardown.add('the cluster', () => server.stop());
  const { store, sessions, leadership, cluster } = server;
  return { store, disk, environment, sessions, leadership, cluster, isServer: true };
}

/** Of an etcd that was there before, and may be down. */
function withAdvice(cause: MusterError): MusterError {
  return new MusterError(
    'store.unusable',
    `${cause.message}. An agent with [store.etcd] does not begin without it: start etcd, or correct \`endpoints\`, and start this agent again`,
    { cause },
  );
}

function clusterDirectory(dataDirectory: string | undefined): string | undefined {
  return dataDirectory === undefined ? undefined : path.join(dataDirectory, 'cluster');
}

/** Keys can be exchanged before there is a cluster, as in Consul. Throws `config.invalid`. */
async function keysAlone(encrypt: string, directory: string | undefined): Promise<Pick<Truth, 'keys'>> {
  if (encrypt === '') return {};
  const { Keyring } = await import('../cluster/link/keyring.ts');
  const keyring = Keyring.open(encrypt, directory);
  const changeKeys: ClusterKeys['changeKeys'] = async (change) => {
    changeKeyring(keyring, change);
    return new Map();
  };
  const keyrings = async () => [{ keys: keyring.list(), nodes: 1 }];
  return { keys: { changeKeys, keyrings } };
}

/** Of an agent that keeps no truth. */
const NEVER: Leadership = {
  leader: () => undefined,
  leads: () => false,
  whileLeading: () => () => {},
  stop: async () => {},
};

function etcdOptions({ store }: Config): EtcdOptions {
  const { endpoints, caFile, certFile, keyFile, user, password } = store.etcd;
  return {
    endpoints,
    tls: { ca: contentIfNamed(caFile), cert: contentIfNamed(certFile), key: contentIfNamed(keyFile) },
    user: user === '' ? undefined : { name: user, password },
  };
}
