import { deregisterNode } from '../catalog/commands/register.ts';
import { putSetting } from '../catalog/commands/setting.ts';
import { MACHINE_SETTINGS } from '../catalog/machine-settings.ts';
import { MusterError, messageOf } from '../errors.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { EtcdMember } from '../store/etcd/messages.ts';
import type { EtcdStore } from '../store/etcd/store.ts';
import type { Book, Entry } from './book.ts';
import type { Gossip } from './gossip.ts';
import type { Presence } from './liveness.ts';
import {
  type Membership,
  type MembershipFile,
  type Ordinals,
  ordinalIn,
  ordinalOf,
  peerUrl,
} from './membership.ts';

/** What a server that joins is told. */
export interface Admission {
  readonly cluster: string;
  readonly ordinal: number;
  readonly peerPort: number;
  readonly servers: Ordinals;
}

/** The setting in the catalog that has the node IDs by ordinal, and the next ordinal: none is given twice. */
const SETTING = MACHINE_SETTINGS.servers;
const NEXT = 'next';
/** How often the leader looks after the servers, in ms. */
const TURN = 500;
/** A server must be silent for so long before it is removed by itself, in ms. */
const DEAD_AFTER = 60_000;
/** Etcd wants connections that have stood for five seconds, and a moment more for whoever is late, in ms. */
const SETTLES = 8_000;
/** Who leaves waits so long for a server that takes it out, in ms. */
const LEAVE_PATIENCE = SETTLES + 5_000;

/** Who asks to be taken in waits so long for the answer, in ms. */
export const JOIN_PATIENCE = 5_000;

/** What etcd says that takes nobody in for now. */
const REFUSED = /too many learner|unhealthy cluster/;

export interface RosterOptions {
  store: EtcdStore;
  book: Book;
  file: MembershipFile;
  gossip: Gossip;
  presence: Presence;
  expect: number;
  clock: Clock;
  logger: Logger;
}

export interface Listed {
  readonly id: string;
  readonly entry: Entry | undefined;
  readonly voter: boolean;
}

/** The servers that keep the catalog: who they are, who joins, who goes. */
export class Roster {
  readonly #options: RosterOptions;
  #admitting: Promise<unknown> = Promise.resolve();

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** Node IDs by ordinal, as the catalog has them. */
  ordinals(): Ordinals {
    const value = this.#options.store.catalog.get('settings', SETTING)?.value ?? {};
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, id]) => (/^\d+$/.test(key) ? [[key, String(id)]] : [])),
    );
  }

  /** Writes down those who founded the cluster, unless that was done. */
  async begin(): Promise<void> {
    const { store, file } = this.#options;
    if (store.catalog.get('settings', SETTING) !== undefined) return;
    const { servers } = file.get() as Membership;
    const next = Math.max(...Object.keys(servers).map(Number)) + 1;
    try {
      await store.write((tx) => putSetting(tx, { name: SETTING, value: { ...servers, [NEXT]: next } }, 0));
    } catch (error) {
      // Without a majority: it is done by whoever has one.
      this.#options.logger.debug('the servers could not be written down', { error: messageOf(error) });
    }
  }

  async list(): Promise<Listed[]> {
    const { book } = this.#options;
    const members = await this.#members().catch(() => undefined);
    return Object.entries(this.ordinals()).map(([ordinal, id]) => ({
      id,
      entry: book.get(id),
      // One that is being taken in stands here before etcd knows it.
      voter: members === undefined || members.get(Number(ordinal))?.learner === false,
    }));
  }

  /** Takes a server in, as one that does not count yet. The same server may ask again. */
  admit(entry: Entry): Promise<Admission> {
    const { clock } = this.#options;
    const end = clock.now() + JOIN_PATIENCE;
    const admit = () => this.#admit(entry, end);
    // One after the other: etcd takes one at a time.
    const admission = this.#admitting.then(admit, admit);
    this.#admitting = admission;
    return admission;
  }

  /** Takes a server out. False when it is none. Rejects when the others would be no majority. */
  async remove(id: string): Promise<boolean> {
    const { book, logger } = this.#options;
    const ordinal = ordinalIn(this.ordinals(), id);
    if (ordinal !== undefined) {
      // Etcd first: the lines between its members end as soon as the server is none any more, and it wants them to stand.
      const member = (await this.#members()).get(ordinal);
      if (member !== undefined) await this.#dismiss(member.id);
      await this.#forget(ordinal);
      logger.info('a server was removed', { server: book.get(id)?.name ?? id });
    }
    book.remove(id);
    return ordinal !== undefined;
  }

  /**
   * Has another server take this one out, unless it is the last: false then. Whoever is out can write nothing down any more. Rejects with
   * why nobody could, and is a server still.
   */
  async leave(): Promise<boolean> {
    const { book, gossip } = this.#options;
    const id = book.self.id;
    const others = Object.values(this.ordinals()).filter((one) => one !== id);
    if (others.length === 0) return false;
    await this.#handOverLead();
    let failure: unknown = new MusterError('cluster.unreachable', 'no other server answers');
    for (const { entry } of gossip.reachable().filter((one) => others.includes(one.entry.id))) {
      try {
        await gossip.callerTo(entry).call('remove-server', { id }, LEAVE_PATIENCE);
        return true;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** A leader that goes without a word costs an election. */
  async #handOverLead(): Promise<void> {
    const { book, store } = this.#options;
    const members = await this.#members();
    const own = members.get(ordinalIn(this.ordinals(), book.self.id) ?? -1);
    const other = [...members.values()].find((one) => one.id !== own?.id && !one.learner);
    if (own === undefined || other === undefined) return;
    const { leader } = await store.client.status();
    if (leader === own.id) await store.client.moveLeader(other.id).catch(() => {});
  }

  /**
   * Etcd takes nobody out for some seconds after another has come: the connections to that one are too young for it to count on them.
   */
  async #dismiss(member: bigint): Promise<void> {
    const { store, clock } = this.#options;
    const end = clock.now() + SETTLES;
    for (;;) {
      try {
        return await store.client.removeMember(member);
      } catch (error) {
        const why = messageOf(error);
        // Another server was faster.
        if (why.includes('member not found')) return;
        if (!why.includes('unhealthy cluster') || clock.now() >= end) throw error;
        await pause(clock, 250);
      }
    }
  }

  /** After the others were given up. Skips ahead, so that no index that somebody was told comes again. */
  async recovered(ordinal: number): Promise<void> {
    const { store, book, clock } = this.#options;
    const value = store.catalog.get('settings', SETTING)?.value ?? {};
    const next = Number(value[NEXT] ?? ordinal + 1);
    for (let attempt = 0; ; attempt++) {
      try {
        await store.skipAhead();
        await store.write((tx) =>
          putSetting(tx, { name: SETTING, value: { [ordinal]: book.self.id, [NEXT]: next } }),
        );
        return;
      } catch (error) {
        if (attempt >= 100) throw error;
        await pause(clock, 200);
      }
    }
  }

  /** Looks after the servers, on the leader. The answer ends it. */
  lead(): () => void {
    const { clock, logger } = this.#options;
    let cancel = () => {};
    let isOver = false;
    const silentSince = new Map<string, number>();
    const turn = () => {
      this.#lookAfter(silentSince)
        .catch((error: unknown) =>
          logger.debug('looking after the servers failed', { error: messageOf(error) }),
        )
        .finally(() => {
          if (!isOver) cancel = clock.after(TURN, turn);
        });
    };
    turn();
    return () => {
      isOver = true;
      cancel();
    };
  }

  async #lookAfter(silentSince: Map<string, number>): Promise<void> {
    const { store, book, presence, expect, clock, logger } = this.#options;
    // Where an election took longer than any of them waited, none of the founders could.
    await this.begin();
    const members = await this.#members();
    for (const member of members.values()) {
      // Refused until it has caught up.
      if (member.learner && member.name !== '')
        await store.client.promoteMember(member.id).then(
          () => logger.info('a server counts from now on', { server: member.name }),
          () => {},
        );
    }
    const ids = Object.values(this.ordinals());
    const alive = ids.filter((id) => id === book.self.id || presence.of(id) === 'there');
    for (const id of ids) {
      if (alive.includes(id)) {
        silentSince.delete(id);
        continue;
      }
      const since = silentSince.get(id) ?? clock.now();
      silentSince.set(id, since);
      // Only when the living are as many as there should be, and a majority with and without it.
      const isSafe = alive.length >= expect && alive.length > ids.length / 2;
      if (isSafe && clock.now() - since >= DEAD_AFTER) {
        logger.warn('a server that is silent is removed: enough others are there', {
          server: book.get(id)?.name ?? id,
        });
        await this.remove(id);
        return;
      }
    }
  }

  /** Until `end`: who asked has asked again by then, may have been taken in by another server, and may even have left since. */
  async #admit(entry: Entry, end: number): Promise<Admission> {
    const { store, file, book, presence, clock, logger } = this.#options;
    const checkTime = () => {
      if (clock.now() >= end)
        throw new MusterError('cluster.refused', 'that was asked too long ago: ask again');
    };
    checkTime();
    const { id: cluster, peerPort } = file.get() as Membership;
    book.merge([entry]);
    // Under the same name with another ID: it was wiped, unless the old one is still there.
    for (const [, id] of Object.entries(this.ordinals())) {
      const other = book.get(id);
      if (id === entry.id || other?.name.toLowerCase() !== entry.name.toLowerCase()) continue;
      if (presence.of(id) === 'there')
        throw new MusterError(
          'cluster.refused',
          `another server has the name ${entry.name}: give this one another with -node`,
        );
      logger.info('a server comes back with another identity: its old one is removed', {
        server: entry.name,
      });
      await this.remove(id);
    }
    const known = ordinalIn(this.ordinals(), entry.id);
    const member = known === undefined ? undefined : (await this.#members()).get(known);
    if (known !== undefined && member !== undefined && member.name === '')
      return { cluster, peerPort, ordinal: known, servers: await this.#initial(known, entry.id) };
    if (known !== undefined) {
      // It lost its data, or it would not ask: it cannot come back as the member that it was.
      if (member !== undefined) await this.#dismiss(member.id);
      await this.#forget(known);
    }
    const { answer: ordinal } = await store.write((tx) => {
      checkTime();
      const value = tx.get('settings', SETTING)?.value ?? {};
      const next = Number(value[NEXT] ?? 0);
      putSetting(tx, { name: SETTING, value: { ...value, [next]: entry.id, [NEXT]: next + 1 } });
      return next;
    });
    try {
      await store.client.addMember(peerUrl(peerPort, ordinal), true);
    } catch (error) {
      // Each is a port on all servers: one that etcd never heard of is free again, for who asks every moment. Else it may have been taken in without
      // an answer: it stays written down until who asks again is told, or etcd could take in nobody ever after.
      if (REFUSED.test(messageOf(error))) await this.#forget(ordinal, { isFree: true });
      throw new MusterError('cluster.refused', `not yet: ${messageOf(error)}`, { cause: error });
    }
    logger.info('a server joins', { server: entry.name, ordinal });
    return { cluster, peerPort, ordinal, servers: await this.#initial(ordinal, entry.id) };
  }

  /** Those that etcd has as members: what a new one has to name. */
  async #initial(ordinal: number, id: string): Promise<Ordinals> {
    const ordinals = this.ordinals();
    const members = await this.#members();
    return Object.fromEntries(
      [...members.keys()].map((one) => [String(one), one === ordinal ? id : (ordinals[one] ?? '')]),
    );
  }

  async #members(): Promise<Map<number, EtcdMember>> {
    const { store, file } = this.#options;
    const { peerPort } = file.get() as Membership;
    const members = await store.client.members();
    return new Map(
      members.flatMap((member) => {
        const ordinal = ordinalOf(peerPort, member.peerUrls[0]);
        return ordinal === undefined ? [] : [[ordinal, member] as const];
      }),
    );
  }

  /** Takes an ordinal out of the catalog, and the node's entries with it if it is gone. */
  async #forget(ordinal: number, { isFree = false } = {}): Promise<void> {
    const { store, book, presence } = this.#options;
    const id = this.ordinals()[ordinal];
    const name = id === undefined ? undefined : store.catalog.list('nodes', 'id', id)[0]?.name;
    const isThere = id === book.self.id || (id !== undefined && presence.of(id) === 'there');
    await store.write((tx) => {
      const { [String(ordinal)]: _gone, ...value } = tx.get('settings', SETTING)?.value ?? {};
      const next = isFree && value[NEXT] === ordinal + 1 ? { [NEXT]: ordinal } : {};
      putSetting(tx, { name: SETTING, value: { ...value, ...next } });
      if (name !== undefined && !isThere) deregisterNode(tx, name);
    });
  }
}
