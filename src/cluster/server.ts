import path from 'node:path';
import { MusterError, messageOf } from '../errors.ts';
import { pause } from '../lib/clock.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { EtcdStore } from '../store/etcd/store.ts';
import { answerAround } from './auto-join.ts';
import { Book } from './book.ts';
import type { Cluster, NodeOptions } from './cluster.ts';
import { EtcdProcess } from './etcd-process.ts';
import { Feed, type Following } from './feed.ts';
import { Founding } from './founding.ts';
import { FoundingLog } from './founding-log.ts';
import { Gossip, type Hello } from './gossip.ts';
import { joinAnew } from './join-anew.ts';
import { type Leadership, startLeadership } from './leadership.ts';
import { serveLines } from './link/lines.ts';
import { type LinkServer, listenLinks } from './link/link.ts';
import { serveRpc } from './link/rpc.ts';
import { Presence, watchMembers } from './liveness.ts';
import { watchMajority } from './majority-log.ts';
import { etcdFlags, type Membership, MembershipFile, ordinalIn } from './membership.ts';
import { openOwnStore, TURN } from './own-store.ts';
import { PeerLines } from './peer-lines.ts';
import { Roster } from './roster.ts';
import { callsOf } from './server-calls.ts';
import { controlOf } from './server-control.ts';
import { ServerEvents } from './server-events.ts';
import { leaderOf, type ServerParts } from './server-parts.ts';
import type { SessionExpiry } from './session-expiry.ts';
import { startSharedSessions } from './shared-sessions.ts';
import { Strangers } from './strangers.ts';

export interface ServerOptions extends NodeOptions {
  /** Where links come in. */
  bind: string;
  /** So many servers found the cluster together. */
  expect: number;
  /** Everything about the cluster is kept below. */
  directory: string;
  etcdBinary: string;
  peerPort: number;
  /** Agents that were silent for so long (ms) are taken out of the catalog. */
  reconnectTimeout: number;
}

export interface ServerCluster {
  readonly store: EtcdStore;
  readonly leadership: Leadership;
  readonly sessions: SessionExpiry;
  readonly cluster: Cluster;
  /** Idempotent. The store has to be closed before. */
  stop(): Promise<void>;
}

/**
 * Starts this server's part of the cluster: finds the others, founds the cluster with them or joins it, runs an
 * etcd as its member, and serves those who follow. Resolves once the catalog can be read; rejects when `signal`
 * aborts before that.
 */
export async function startServer(options: ServerOptions): Promise<ServerCluster> {
  const server = new Server(options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Server implements ServerCluster, ServerParts {
  readonly options: ServerOptions;
  readonly book: Book;
  readonly file: MembershipFile;
  readonly presence: Presence;
  readonly etcd: EtcdProcess;
  readonly gossip: Gossip;
  readonly founding: Founding;
  readonly cluster: Cluster;
  readonly events: ServerEvents;
  feed: Feed | undefined;
  roster: Roster | undefined;
  lines: PeerLines | undefined;
  isLeaving = false;
  isStopping = false;
  /** These are there once the server has started. */
  store!: EtcdStore;
  leadership!: Leadership;
  sessions!: SessionExpiry;
  #links: LinkServer | undefined;
  #isJoiningAnew = false;
  readonly #ends: (() => void)[] = [];

  constructor(options: ServerOptions) {
    const { self, port, directory, logger, keyring, clock } = options;
    this.options = options;
    this.book = new Book({ ...self, port }, directory, logger);
    this.file = new MembershipFile(directory);
    this.presence = new Presence(self.id, clock, options.reconnectTimeout);
    this.etcd = new EtcdProcess({
      binary: options.etcdBinary,
      directory: path.join(directory, 'etcd'),
      logger: logger.child('etcd'),
      onRemoved: () => void this.#joinAnew('it was removed'),
    });
    const strangers = new Strangers(logger);
    this.gossip = new Gossip({
      book: this.book,
      keyring,
      findContacts: options.findContacts,
      clock,
      time: options.time,
      logger,
      presence: this.presence,
      hello: () => this.#hello(),
      onHello: (hello) => {
        const membership = this.file.get();
        if (membership?.state !== 'member') return;
        strangers.look(hello, membership);
        if (hello.before?.includes(membership.id)) void this.#joinAnew('it was given up');
      },
      lagOf: (index) => this.feed?.lagOf(index) ?? null,
    });
    this.founding = new Founding({
      book: this.book,
      file: this.file,
      gossip: this.gossip,
      expect: options.expect,
      peerPort: options.peerPort,
      logger,
    });
    this.book.onChange(() => this.lead());
    this.cluster = controlOf(this);
    this.events = new ServerEvents(this);
  }

  async start(): Promise<void> {
    const { bind, port, keyring, logger, clock } = this.options;
    const calls = callsOf(this);
    const onError = (error: unknown) => logger.error(`a call of another node failed: ${messageOf(error)}`);
    this.#links = await listenLinks({
      host: bind,
      port,
      keyring,
      logger: logger.child('links'),
      clock,
      handlers: {
        rpc: (link) => serveRpc(link, calls, onError),
        lines: (link) =>
          serveLines(
            link,
            (following: Following, outlet) => {
              if (this.feed === undefined) outlet.close();
              else this.feed.follow(following, outlet);
            },
            onError,
          ),
        peer: (link) => (this.lines === undefined ? link.destroy() : this.lines.take(link)),
      },
    });
    this.gossip.start();
    await this.#answerAround();
    await this.#becomeMember();
    await this.#openStore();
  }

  async stop(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    this.events.close();
    // Those who follow go to another server; what they asked before is answered.
    this.feed?.close();
    for (const end of this.#ends.splice(0).toReversed()) end();
    await this.sessions?.stop();
    await this.leadership?.stop();
    this.gossip.stop();
    await this.store?.close();
    await this.etcd.stop();
    this.lines?.close();
    await this.#links?.stop();
  }

  /** Lets others find this server on the local network, if it is to be found. */
  async #answerAround(): Promise<void> {
    const { autoJoin: name, self, port, keyring, clock, time, logger } = this.options;
    if (name === undefined) return;
    const options = { name, keyring, host: self.host, clock: { ...clock, now: time }, logger };
    this.#ends.push(await answerAround(options, () => ({ host: self.host, port })));
  }

  /** Founds the cluster with others or joins theirs, as long as it takes. */
  async #becomeMember(): Promise<void> {
    const { self, clock, logger, signal, expect } = this.options;
    const log = new FoundingLog({ name: self.name, expect, gossip: this.gossip, clock, logger });
    for (;;) {
      if (signal?.aborted || this.isStopping)
        throw new MusterError('cluster.refused', 'stopped before the cluster was there');
      if (await this.founding.turn()) return;
      log.turnEnded(this.founding.refusal);
      await pause(clock, TURN);
    }
  }

  async #openStore(): Promise<void> {
    const { onSubscriberError, clock, random, logger, signal, self } = this.options;
    const membership = this.file.get() as Membership;
    this.#startEtcd(membership);
    const store = await openOwnStore({
      etcd: this.etcd,
      onSubscriberError,
      clock,
      time: () => this.#time(),
      random,
      isOver: () => signal?.aborted === true || this.isStopping,
      logger,
    });
    this.store = store;
    this.roster = new Roster({
      store,
      book: this.book,
      file: this.file,
      gossip: this.gossip,
      presence: this.presence,
      expect: this.options.expect,
      clock,
      logger,
    });
    await this.roster.begin();
    if (membership.isAlone) await this.#goOnAlone(this.roster, membership);
    this.#follow();
    const address = JSON.stringify({
      id: self.id,
      address: formatHostPort(this.book.self.host, this.book.self.port),
    });
    this.leadership = await startLeadership({
      store,
      self: address,
      isSilent: (leader) => this.presence.of(leaderOf(leader)?.id ?? '') === 'silent',
      leadsEtcd: async () => {
        const { member, leader } = await store.client.status();
        return member === leader;
      },
      clock,
      logger: logger.child('leader'),
    });
    this.sessions = startSharedSessions({
      store,
      leadership: this.leadership,
      self: self.id,
      clock,
      logger: logger.child('sessions'),
    });
    this.feed = new Feed(store.catalog, {
      clock,
      state: () => ({
        ...(store.remote?.contact() ?? { known: false, silence: 0 }),
        servers: this.book.all().filter(({ gone }) => !gone),
        leader: this.cluster.leader(),
        time: this.#time(),
      }),
      keys: () => this.options.keyring.list(),
      hear: (id, leeway) => this.presence.hear(id, leeway),
    });
    const roster = this.roster;
    this.#ends.push(
      watchMajority({
        hears: () => store.remote?.contact().known ?? true,
        servers: () => this.#serversThere(roster),
        clock,
        logger,
      }),
    );
    this.#ends.push(
      this.leadership.whileLeading(() => {
        const ends = [
          watchMembers({
            store,
            presence: this.presence,
            forgetAfter: this.options.reconnectTimeout,
            isServer: (id) => ordinalIn(roster.ordinals(), id) !== undefined,
            clock,
            time: () => this.#time(),
            logger: logger.child('members'),
          }),
          roster.lead(),
        ];
        return () => {
          for (const end of ends) end();
        };
      }),
    );
  }

  #serversThere(roster: Roster): { there: string[]; count: number } {
    const ids = Object.values(roster.ordinals());
    const there = this.gossip.reachable().filter(({ entry }) => ids.includes(entry.id));
    return { there: there.map(({ entry }) => entry.name), count: ids.length };
  }

  /** The time of day by the clock of the server that leads: what is held back for a while ends for all at once. In ms since the epoch. */
  #time(): number {
    const leader = leaderOf((this.leadership as Leadership | undefined)?.leader())?.id;
    return leader === undefined ? this.options.time() : this.gossip.timeOf(leader);
  }

  #startEtcd(membership: Membership): void {
    const { keyring, clock, logger } = this.options;
    this.lines?.close();
    this.lines = new PeerLines({
      book: this.book,
      keyring,
      peerPort: membership.peerPort,
      ordinal: membership.ordinal,
      clock,
      logger: logger.child('links'),
    });
    this.lead();
    this.etcd.start(etcdFlags(membership), { forceNewCluster: membership.isAlone === true });
  }

  /** The others were given up before this start. */
  async #goOnAlone(roster: Roster, { isAlone: _, ...membership }: Membership): Promise<void> {
    const { self } = this.book;
    this.options.logger.warn('the lost majority was given up: this server goes on alone with what it has');
    for (const id of Object.values(roster.ordinals())) if (id !== self.id) this.book.remove(id);
    await roster.recovered(membership.ordinal);
    this.file.set(membership);
  }

  /** Lines to all servers of the cluster. */
  lead(): void {
    const servers = this.file.get()?.servers ?? {};
    this.lines?.lead(new Map(Object.entries(servers).map(([ordinal, id]) => [Number(ordinal), id])));
  }

  /** The servers of the cluster are in the catalog; they are kept on disk too, for a start without a majority. */
  #follow(): void {
    const take = () => {
      const membership = this.file.get();
      const servers = this.roster?.ordinals();
      if (membership === undefined || servers === undefined || Object.keys(servers).length === 0) return;
      if (JSON.stringify(servers) === JSON.stringify(membership.servers)) return;
      for (const id of Object.values(membership.servers))
        if (ordinalIn(servers, id) === undefined) this.book.remove(id);
      this.file.set({ ...membership, servers });
      this.lead();
    };
    this.#ends.push(
      this.store.catalog.feed.subscribe(({ changes }) => {
        if (changes.some(({ table }) => table === 'settings')) take();
      }),
    );
    take();
  }

  #hello(): Omit<Hello, 'self' | 'book' | 'report' | 'knows' | 'time'> {
    const membership = this.file.get();
    return {
      expect: this.options.expect,
      ...(membership?.state === 'member' ? { cluster: membership.id, before: membership.before ?? [] } : {}),
      ...(membership === undefined ? {} : { plan: membership }),
      // The index is told of as soon as it can be compared. Until its etcd has come up, a member hears of no majority.
      ...(this.feed === undefined
        ? membership?.state === 'member' && { hears: false }
        : { index: this.store.catalog.index, hears: this.store.remote?.contact().known ?? true }),
    };
  }

  /** The cluster goes on without this server: it begins anew, as one that joins. */
  async #joinAnew(why: string): Promise<void> {
    // Until what it kept is gone, it hears that it was given up with each greeting.
    if (this.isLeaving || this.isStopping || this.#isJoiningAnew) return;
    this.#isJoiningAnew = true;
    const { logger, clock, random } = this.options;
    logger.warn('this server is no part of its cluster any more, and joins it anew', { why });
    await joinAnew({
      forget: async () => {
        this.file.set(undefined);
        this.lines?.close();
        await this.etcd.stop();
        this.etcd.wipe();
      },
      join: async () => {
        await this.#becomeMember();
        this.#startEtcd(this.file.get() as Membership);
      },
      isOver: () => this.isLeaving || this.isStopping,
      clock,
      random,
      logger,
    });
    this.#isJoiningAnew = false;
  }
}
