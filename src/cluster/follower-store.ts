import { Catalog } from '../catalog/catalog.ts';
import { isMusterError, MusterError, messageOf } from '../errors.ts';
import { type Clock, pause } from '../lib/clock.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import { Barrier } from '../store/etcd/barrier.ts';
import { noLeader } from '../store/etcd/commits.ts';
import { prepare } from '../store/proposal.ts';
import { type Command, type Committed, noServers, type Store } from '../store/store.ts';
import type { Entry } from './book.ts';
import type { UserEvent } from './event-log.ts';
import type { Following } from './feed.ts';
import { type FeedMessage, readMessage } from './feed-message.ts';
import { FollowedCatalog } from './followed-catalog.ts';
import type { Keyring } from './link/keyring.ts';
import { type Asked, askForLines } from './link/lines.ts';
import { Caller } from './link/rpc.ts';
import { RecentIds } from './recent-ids.ts';
import { SearchLog } from './search-log.ts';

/** Until a server that says nothing is given up, in signs of life: two are without an answer. */
const SILENCE = 2.5;
/** How often it is looked at that, in ms. */
const LOOK = 200;
/**
 * A server that hears of no majority is left for another after so long, in ms: it may be cut off from the others, or its etcd down. Each that
 * has none either is given twice as long as the one before: then there is none.
 */
const WITHOUT_MAJORITY = 1_000;
const MOST_WITHOUT_MAJORITY = 30_000;
/** To make a link and get the first answer. */
const CONNECT_TIMEOUT = 1_000;
/** Between rounds over all servers that are known. */
const RETRY = 200;
/**
 * How often a sign of life is sent until the server says how often, in ms: it knows by this that the node is there, as the node knows by the
 * answer.
 */
const PACE = 400;
/** What is written or asked waits so long for a server and a majority, in ms. */
const PATIENCE = 5_000;
/** With no server or majority heard of for so long, writes are refused at once. */
const FAIL_FAST_AFTER = 3_000;
const CALL_TIMEOUT = 3_000;
/** What was on its way so long (ms) before a server fell silent may not have come. */
const ON_THEIR_WAY = 2_000;
/** More events than a server tells of again. */
const MAX_EVENTS = 512;
/** Longer than a server's own patience. */
const COMMIT_TIMEOUT = 6_000;

export type CommitAnswer = { readonly index: number; readonly outdated: boolean };

/** Who follows, told to the server again and again. */
export interface Alive {
  readonly id: string;
  readonly name: string;
}

/** The link of a follower. */
export interface FeedLink {
  /** The server at the other end; undefined: there is none. */
  readonly server: Pick<Entry, 'host' | 'port'> | undefined;
  /** Since when that is so, ms since the epoch. */
  readonly since: number;
  /** Why there is none, as far as that is known. */
  readonly trouble: string;
}

export interface FollowerOptions {
  self: Alive & { readonly version: string };
  keyring: Keyring;
  /** Where servers may be now, in the order in which they are tried. */
  servers(): Promise<readonly Pick<Entry, 'host' | 'port'>[]>;
  /** Told by a server. */
  onServers(servers: readonly Entry[], leader: string): void;
  onNews(news: { event?: UserEvent; keys?: readonly string[] }): void;
  onSubscriberError: (error: unknown) => void;
  clock: Clock;
  /** The time of day, ms since the epoch. */
  time: () => number;
  logger: Logger;
}

export interface FollowerStore extends Store {
  /** Calls the server that is followed now. Rejects with `store.no_leader` when there is none. */
  call<Answer>(name: string, request: unknown): Promise<Answer>;
  /** The same for what may be done twice: another server is asked when that one goes meanwhile. */
  ask<Answer>(name: string, request: unknown): Promise<Answer>;
  link(): FeedLink;
  /** Resolves when a server was reached for the first time and the catalog is whole. */
  readonly ready: Promise<void>;
  /** Resolves then, or when all servers that are known were tried in vain. */
  readonly tried: Promise<void>;
}

/**
 * The store of a node that keeps no truth: its catalog is a replica that follows a server, any of them, and its
 * writes are carried out there. When the server falls silent another one is followed from where this one ended.
 */
export function openFollowerStore(options: FollowerOptions): FollowerStore {
  const { clock, keyring, logger, self } = options;
  const catalog = new Catalog(options.onSubscriberError);
  let caller: Caller | undefined;
  let link: FeedLink = { server: undefined, since: clock.now(), trouble: '' };
  const followed = new FollowedCatalog(catalog);
  let closed = false;
  /** When a majority was there, by the word of the followed server, ms since the epoch. */
  let contactAt = 0;
  /** It is, until that server says otherwise. */
  let isKnown = false;
  let pace = PACE;
  /** For how long a server without a majority is followed, in ms. */
  let forbearance = WITHOUT_MAJORITY;
  const search = new SearchLog({ logger, clock, hasBegun: () => followed.isLoaded });
  /** When a server was heard of for the first time, and last; undefined: never. */
  let beganAt: number | undefined;
  let lastHeardAt = 0;
  /** IDs of the last events: the next server tells again of what may not have come. */
  const events = new RecentIds(MAX_EVENTS);
  const waiters = new Set<{ index: number; resolve(): void }>();
  let becomeReady = () => {};
  const ready = new Promise<void>((resolve) => {
    becomeReady = resolve;
  });
  let endTrial = () => {};
  const tried = new Promise<void>((resolve) => {
    endTrial = resolve;
  });

  /** The time of day as the servers have it. */
  let time = options.time;
  const silence = () => (contactAt === 0 ? Number.POSITIVE_INFINITY : clock.now() - contactAt);

  const arrived = () => {
    for (const waiter of waiters) {
      if (catalog.index < waiter.index) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  /** Resolves true once the catalog stands at `index` or later; false when that takes too long. */
  const reached = (index: number): Promise<boolean> => {
    if (catalog.index >= index) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter = {
        index,
        resolve: () => {
          cancel();
          resolve(true);
        },
      };
      const cancel = clock.after(CALL_TIMEOUT, () => {
        waiters.delete(waiter);
        resolve(false);
      });
      waiters.add(waiter);
    });
  };

  /** How long ago the first event was fired that may not have come, in ms. None is told of from before this node began. */
  const missedFor = (): number => {
    const now = clock.now();
    return beganAt === undefined ? 0 : Math.min(now - beganAt, now - lastHeardAt + ON_THEIR_WAY);
  };

  /** False: it does not fit, the server has to be asked anew. */
  const take = (message: FeedMessage): boolean => {
    if (message.kind === 'news') {
      const { event } = message;
      if (event !== undefined && !events.add(event.id)) return true;
      options.onNews(message);
      return true;
    }
    if (message.kind === 'state') {
      isKnown = message.known;
      pace = message.pace;
      if (message.known) {
        contactAt = clock.now() - message.silence;
        forbearance = WITHOUT_MAJORITY;
      }
      if (message.time !== undefined) {
        const ahead = message.time - clock.now();
        time = () => clock.now() + ahead;
      }
      options.onServers(message.servers, message.leader);
    }
    if (!followed.take(message)) return false;
    if (followed.isLoaded) {
      becomeReady();
      endTrial();
    }
    arrived();
    return true;
  };

  /**
   * Follows one server until it falls silent, or is of no use and not the only one. Resolves false when it could not be followed at all.
   */
  const followOne = async (server: Pick<Entry, 'host' | 'port'>, isOnly: boolean): Promise<boolean> => {
    const own = new Caller(server, keyring);
    let isFollowing = false;
    let isSilent = false;
    let isUseless = false;
    let isGarbled = false;
    let cancel = () => {};
    let asked: Asked | undefined;
    try {
      followed.begin();
      await new Promise<void>((resolve, reject) => {
        let isOver = false;
        const over = () => {
          isOver = true;
          resolve();
        };
        stopFollowing = over;
        let heardAt = clock.now();
        let lookedAt = heardAt;
        let signedAt = heardAt;
        let knownAt = heardAt;
        const look = () => {
          const now = clock.now();
          // Who was busy itself has to hear what came meanwhile first.
          const isLate = now - lookedAt > 2 * LOOK;
          lookedAt = now;
          isSilent = now - heardAt > SILENCE * pace && !isLate;
          if (isKnown || isLate) knownAt = now;
          isUseless = !isOnly && now - knownAt > forbearance;
          if (isSilent || isUseless) return over();
          cancel = clock.after(LOOK, look);
          if (now - signedAt < pace) return;
          signedAt = now;
          asked?.sign(catalog.index);
        };
        const { id, version } = self;
        const missed = missedFor();
        askForLines(server, { index: catalog.index, id, version, missed } satisfies Following, {
          keyring,
          timeout: CONNECT_TIMEOUT,
          heard: () => {
            heardAt = clock.now();
            lastHeardAt = heardAt;
            beganAt ??= heardAt;
            if (isKnown) contactAt = Math.max(contactAt, heardAt);
            if (isFollowing || isOver) return;
            isFollowing = true;
            caller = own;
            link = { server, since: clock.now(), trouble: '' };
            search.found(formatHostPort(server.host, server.port));
          },
          line: (text) => {
            if (isOver) return;
            const message = readMessage(text);
            isGarbled = message === undefined;
            if (message === undefined || !take(message)) over();
          },
          end: over,
        }).then((it) => {
          asked = it;
          heardAt = clock.now();
          if (isOver) it.close();
          else if (closed) over();
          else look();
        }, reject);
      });
      if (!isFollowing) search.failed(formatHostPort(server.host, server.port), 'it is not ready yet');
    } catch (error) {
      const why = messageOf(error);
      search.failed(formatHostPort(server.host, server.port), why);
      link = { ...link, trouble: `${formatHostPort(server.host, server.port)}: ${why}` };
    }
    cancel();
    isKnown = false;
    if (caller === own) {
      caller = undefined;
      let trouble = 'it was ended';
      if (isSilent) trouble = 'it fell silent';
      else if (isUseless) trouble = 'it hears of no majority';
      else if (isGarbled) trouble = 'it says what is not understood here. Have both run the same version';
      link = { server: undefined, since: clock.now(), trouble };
    }
    if (isUseless) forbearance = Math.min(2 * forbearance, MOST_WITHOUT_MAJORITY);
    asked?.close();
    // A server that stops answers what it was asked before.
    own.close({ isPatient: !isSilent && !closed });
    return isFollowing;
  };
  let stopFollowing = () => {};

  const follow = async () => {
    while (!closed) {
      const servers = await options.servers();
      for (const server of servers) {
        if (closed || !(await followOne(server, servers.length === 1)) || closed) continue;
        search.lost(formatHostPort(server.host, server.port), link.trouble);
      }
      search.roundEnded();
      endTrial();
      await pause(clock, RETRY);
    }
  };
  void follow();

  /** Why nothing can be written or asked. */
  const nobody = (cause?: unknown) => (followed.isLoaded ? noLeader(cause) : noServers(cause));

  const call = <Answer>(name: string, request: unknown): Promise<Answer> =>
    caller === undefined ? Promise.reject(nobody()) : caller.call<Answer>(name, request, CALL_TIMEOUT);

  const write = async <Answer>(command: Command<Answer>): Promise<Committed<Answer>> => {
    if (closed) throw new MusterError('store.closed', 'the store is closed');
    if (silence() > FAIL_FAST_AFTER) throw nobody();
    const deadline = clock.now() + PATIENCE;
    // A command must not see a part of the first catalog: it would refuse what may be done.
    while (!followed.isLoaded) {
      if (closed || clock.now() >= deadline) throw nobody();
      await pause(clock, 50);
    }
    for (;;) {
      const prepared = prepare(command, catalog, catalog.index, time());
      const to = caller;
      let committed: CommitAnswer;
      try {
        if (to === undefined) throw noLeader();
        committed = await to.call<CommitAnswer>('commit', prepared.proposal, COMMIT_TIMEOUT);
      } catch (error) {
        // What was on its way when the link was lost may have been carried out: sent again, a command that counts
        // would count twice. A server that stops says so before.
        const isRefused = isMusterError(error, 'cluster.refused');
        const isSafe = to === undefined || prepared.proposal.writes.length === 0 || isRefused;
        if (isSafe && clock.now() < deadline && !closed) {
          await pause(clock, 50);
          continue;
        }
        throw isRefused || isMusterError(error, 'cluster.unreachable') ? noLeader(error) : error;
      }
      if (!(await reached(committed.index)) && committed.outdated) throw noLeader();
      if (!committed.outdated) return { index: committed.index, answer: prepared.answerAt(committed.index) };
      if (clock.now() >= deadline) throw noLeader();
    }
  };

  const ask = async <Answer>(name: string, request: unknown): Promise<Answer> => {
    const deadline = clock.now() + PATIENCE;
    for (;;) {
      const to = caller;
      try {
        return await call<Answer>(name, request);
      } catch (error) {
        const isGone = to === undefined || to !== caller || isMusterError(error, 'cluster.refused');
        if (!isGone || closed || silence() > FAIL_FAST_AFTER || clock.now() >= deadline)
          throw isMusterError(error, 'cluster.unreachable') ? nobody(error) : error;
        await pause(clock, 50);
      }
    }
  };

  /** Asks how far the catalog is. */
  const refresh = async (): Promise<void> => {
    const { index } = await ask<{ index: number }>('refresh', undefined);
    if (!(await reached(index))) throw noLeader();
  };
  const barrier = new Barrier(refresh);

  return {
    kind: 'follower',
    catalog,
    ready,
    tried,
    write,
    call,
    ask,
    link: () => link,
    remote: {
      get isLoaded() {
        return followed.isLoaded;
      },
      contact: () => ({
        known: caller !== undefined && followed.isLoaded && silence() < FAIL_FAST_AFTER,
        silence: silence(),
      }),
      refresh: () =>
        barrier.pass().catch((error: unknown) => {
          throw isMusterError(error, 'store.no_leader') ? error : noLeader(error);
        }),
    },
    async close() {
      closed = true;
      stopFollowing();
      caller?.close();
    },
  };
}
