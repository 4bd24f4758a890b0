import path from 'node:path';
import { fileTrouble, MusterError } from '../errors.ts';
import { type Clock, pause } from '../lib/clock.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import { Book, type Entry } from './book.ts';
import type { Cluster, ClusterOutlook, KeyChange, NodeOptions, ServerState } from './cluster.ts';
import type { UserEvent } from './event-log.ts';
import { type FollowerStore, openFollowerStore } from './follower-store.ts';
import { Caller } from './link/rpc.ts';
import type { LinkState, Outlook, Sighting } from './outlook.ts';
import type { SessionExpiry } from './session-expiry.ts';

export interface ClientOptions extends NodeOptions {
  /** Where the servers' addresses are kept; undefined: nowhere. */
  directory: string | undefined;
  /** Not to wait for servers that are away: what needs no catalog can begin. */
  mayBeAway?: boolean | undefined;
}

export interface ClientCluster {
  readonly store: FollowerStore;
  readonly sessions: SessionExpiry;
  readonly cluster: Cluster;
  /** Resolves when the catalog is there for the first time. Rejects with `cluster.refused` once the signal aborts. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

const CALL_TIMEOUT = 2_000;
/** The sources of addresses are asked again when so many ms have passed. */
const CONTACTS_AGE = 5_000;
/**
 * Servers are looked for so long (ms) before an agent begins without: after a power cut names may not be found for minutes, and machines that
 * are off say nothing. Shorter than programs wait that want to register themselves.
 */
const HEAD_START = 3_000;
/** The catalog of a server that was found is waited for that long, in ms: ten thousand agents that come at once have theirs in 20 s. */
const LOADING = 30_000;

/**
 * Starts an agent that keeps no truth: follows a server. Resolves when the catalog is there, or, with `mayBeAway`, when no server was found
 * at the first attempt.
 */
export async function startClient(options: ClientOptions): Promise<ClientCluster> {
  const { self, port, findContacts, keyring, directory, clock, random, logger, signal, onEvent } = options;
  const book = new Book(
    { ...self, port },
    directory === undefined ? undefined : path.join(directory),
    logger,
  );
  let leader = '';
  let contacts: HostPort[] = [];
  let contactsAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  /** By address, where somebody said that servers are. */
  const joined = new Map<string, HostPort>();

  const askSources = async (): Promise<void> => {
    contacts = await findContacts();
    contactsAt = clock.now();
    asking = undefined;
  };
  /**
   * Those that were heard of in an order of this node's own, so that agents spread over the servers; then whatever
   * was given.
   */
  const servers = async (): Promise<HostPort[]> => {
    if (asking === undefined && clock.now() - contactsAt > CONTACTS_AGE) asking = askSources();
    // A name may be looked up for many seconds, the more so while servers are away.
    if (book.others().length === 0) await asking;
    const known = shuffled(book.others(), random).map(({ host, port: at }) => ({ host, port: at }));
    const addresses = new Set(known.map(addressOf));
    const given = new Map([...contacts.map((one) => [addressOf(one), one] as const), ...joined]);
    return [...known, ...[...given.values()].filter((one) => !addresses.has(addressOf(one)))];
  };
  const store = openFollowerStore({
    self,
    keyring,
    servers,
    onServers(heard: readonly Entry[], leads: string) {
      leader = leads;
      book.merge(heard);
      for (const entry of book.others()) if (!heard.some(({ id }) => id === entry.id)) book.remove(entry.id);
    },
    onNews({ event, keys }) {
      if (event !== undefined) onEvent(event);
      if (keys === undefined) return;
      try {
        keyring.replace(keys);
      } catch (error) {
        logger.error('the keys of the cluster are in force, but could not be kept', {
          error: fileTrouble(error),
        });
      }
    },
    onSubscriberError: options.onSubscriberError,
    clock,
    time: options.time,
    logger: logger.child('follow'),
  });
  const ready = whenReady(store, signal);
  await (options.mayBeAway ? atFirst(store, ready, clock) : ready);
  // Who waits for it on hears why it never comes.
  ready.catch(() => {});

  const cluster: Cluster = {
    servers: () => store.ask<ServerState[]>('servers', undefined),
    async outlook() {
      const own = ownOutlook(self, store, { book, now: clock.now() });
      const told = await store.call<ClusterOutlook>('outlook', { hops: 1 }).catch(() => undefined);
      return { servers: told?.servers ?? [], outlooks: [own, ...(told?.outlooks ?? [])] };
    },
    leader: () => (store.remote?.contact().known ? leader : ''),
    async join(host, at) {
      const caller = new Caller({ host, port: at }, keyring);
      try {
        await caller.call('alive', { id: self.id, name: self.name }, CALL_TIMEOUT);
        const place = { host, port: at };
        joined.set(addressOf(place), place);
      } finally {
        caller.close();
      }
    },
    leave: () => store.call('left-by-itself', { id: self.id }),
    forceLeave: (name, prune) => store.call('force-leave', { name, prune }),
    removeServer: (id) => store.call('remove-server', { id }),
    tell: (event: UserEvent) => store.call('event', { event, hops: 1 }),
    // The servers tell all agents, this one too.
    changeKeys: async (change: KeyChange) =>
      new Map(await store.call<[string, string][]>('keys', { change, hops: 1 })),
    keyrings: () => store.ask('keyring', { hops: 1 }),
  };
  return {
    store,
    sessions: {
      renew: (id) => store.ask('renew', { sessions: [id] }),
      stop: async () => {},
    },
    cluster,
    ready,
    stop: () => store.close(),
  };
}

/** An agent knows of its server what the link to it tells. */
function ownOutlook(
  { id, version }: NodeOptions['self'],
  store: FollowerStore,
  { book, now }: { book: Book; now: number },
): Outlook {
  const { server, since, trouble } = store.link();
  const entry = book.others().find(({ host, port }) => host === server?.host && port === server.port);
  const link: LinkState = { kind: 'feed', isUp: server !== undefined, age: now - since, trouble };
  const silence = store.remote?.contact().silence ?? Number.POSITIVE_INFINITY;
  const sighting: Sighting = {
    id: entry?.id ?? '',
    version: entry?.version ?? '',
    silence: Number.isFinite(silence) ? silence : null,
    index: null,
    lag: null,
    links: [link],
  };
  return { by: id, version, index: store.catalog.index, sightings: [sighting] };
}

/** Resolves when the catalog is there, or is not to be had at the moment. Rejects as `ready`. */
async function atFirst(store: FollowerStore, ready: Promise<void>, clock: Clock): Promise<void> {
  await Promise.race([ready, store.tried, pause(clock, HEAD_START)]);
  if (store.link().server === undefined) return;
  await Promise.race([ready, store.tried, pause(clock, LOADING)]);
}

async function whenReady(store: FollowerStore, signal: AbortSignal | undefined): Promise<void> {
  // Timers of the clock do not keep the process alive, and there is nothing else yet that does.
  const stay = setInterval(() => {}, 60_000);
  const aborted = new Promise<never>((_resolve, reject) => {
    const give = () => {
      void store.close();
      reject(new MusterError('cluster.refused', 'stopped before a server was found'));
    };
    if (signal?.aborted) give();
    signal?.addEventListener('abort', give, { once: true });
  });
  try {
    await Promise.race([store.ready, aborted]);
  } finally {
    clearInterval(stay);
  }
}

const addressOf = ({ host, port }: HostPort): string => formatHostPort(host, port);

function shuffled<One>(list: readonly One[], random: () => number): One[] {
  const rest = [...list];
  for (let at = rest.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [rest[at], rest[other]] = [rest[other] as One, rest[at] as One];
  }
  return rest;
}
