import type { Catalog } from '../catalog/catalog.ts';
import { forgetLeft, outlivedLeft } from '../catalog/commands/left-member.ts';
import { deregisterNode, updateCheck } from '../catalog/commands/register.ts';
import { ALIVE_OUTPUT, MEMBER_CHECK, SILENT_OUTPUT } from '../catalog/rows.ts';
import { checkKey } from '../catalog/tables.ts';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

/** A node that was not heard of for so long is silent, in ms: three signs of life are missing. */
export const SILENT_AFTER = 1_500;
/** How often the leader looks. */
const LOOK = 200;
/** A look that comes so much after the one before, in ms: this program stood still, and what it was told meanwhile is not read yet. */
const STOOD_STILL = 500;
/** More nodes than this (and this part of all) that fall silent together: it may be the observer who is cut off. */
const MASS_FLOOR = 5;
const MASS_SHARE = 0.3;
/** So long are they believed to be there nevertheless, in ms: a switch restarts, agents find another server. */
const MASS_PATIENCE = 15_000;

/** What one server has heard of itself: told to the other servers when it changed. */
export interface Report {
  readonly version: number;
  /** Node IDs; left out when the other side has this version. */
  readonly ids?: readonly string[];
}

/** Who was heard of lately, by this server and by those that tell it. */
export class Presence {
  readonly #clock: Pick<Clock, 'now'>;
  /** By node ID, when it was last heard of here, ms since the epoch. */
  readonly #heard = new Map<string, number>();
  readonly #reports = new Map<string, { version: number; at: number; ids: Set<string> }>();
  /** By node ID, the server that last told of it. */
  readonly #via = new Map<string, string>();
  readonly #began: number;
  readonly #self: string;
  readonly #keep: number;
  #version = 1;
  #told: string[] = [];

  /** `self` is there, whoever else is. Of who was not heard of for `keep` ms nothing is known any more: nodes come and go under ever new IDs. */
  constructor(self: string, clock: Pick<Clock, 'now'>, keep = Number.POSITIVE_INFINITY) {
    this.#self = self;
    this.#clock = clock;
    this.#began = clock.now();
    this.#keep = keep;
  }

  /** It has listened for long enough to know who is silent. */
  get isSettled(): boolean {
    return this.#isOld(this.#began);
  }

  /** `leeway`: for how much longer than others it may be silent then, in ms. */
  hear(id: string, leeway = 0): void {
    this.#heard.set(id, this.#clock.now() + leeway);
    this.#via.delete(id);
  }

  /** It said itself that it goes. */
  forget(id: string): void {
    this.#heard.delete(id);
    this.#via.delete(id);
    for (const { ids } of this.#reports.values()) ids.delete(id);
  }

  /** For a server that has version `known` of it. */
  report(known: number): Report {
    const first = this.#clock.now() - this.#keep;
    for (const [id, at] of this.#heard) if (at < first) this.#heard.delete(id);
    const ids = [...this.#heard].filter(([, at]) => !this.#isOld(at)).map(([id]) => id);
    if (ids.length !== this.#told.length || ids.some((id, at) => this.#told[at] !== id)) {
      this.#version++;
      this.#told = ids;
    }
    return known === this.#version ? { version: this.#version } : { version: this.#version, ids };
  }

  /** Takes what server `from` heard of. */
  take(from: string, { version, ids }: Report): void {
    const known = this.#reports.get(from);
    if (ids === undefined && known?.version !== version) return;
    const set = ids === undefined ? (known as { ids: Set<string> }).ids : new Set(ids);
    this.#reports.set(from, { version, at: this.#clock.now(), ids: set });
    if (ids === undefined) return;
    for (const id of known?.ids ?? []) if (!set.has(id) && this.#via.get(id) === from) this.#via.delete(id);
    for (const id of ids) this.#via.set(id, from);
  }

  /** Of its report; 0: there is none. */
  versionOf(server: string): number {
    return this.#reports.get(server)?.version ?? 0;
  }

  /** Whether a node is there. "unknown": the one server that told of it is there but tells this server nothing. */
  of(id: string): 'there' | 'silent' | 'unknown' {
    if (id === this.#self || !this.#isOld(this.#heard.get(id) ?? 0)) return 'there';
    for (const { at, ids } of this.#reports.values()) if (!this.#isOld(at) && ids.has(id)) return 'there';
    const via = this.#via.get(id);
    if (via === undefined || via === id) return 'silent';
    const report = this.#reports.get(via);
    return report !== undefined && this.#isOld(report.at) && this.of(via) === 'there' ? 'unknown' : 'silent';
  }

  /** By node ID, how long ago each was heard of here, in ms. */
  silences(): Map<string, number> {
    const now = this.#clock.now();
    return new Map([...this.#heard].map(([id, at]) => [id, Math.max(0, now - at)]));
  }

  #isOld(at: number): boolean {
    return this.#clock.now() - at > SILENT_AFTER;
  }
}

export interface Member {
  /** UUID of the node. */
  readonly id: string;
  readonly name: string;
  readonly status: 'passing' | 'critical';
}

/** Nodes with an agent of ours: those with the check. */
export function membersOf(catalog: Catalog): Member[] {
  // By the nodes: of checks there may be many more.
  return catalog.all('nodes').flatMap(({ id, name }) => {
    const check = id === '' ? undefined : catalog.get('checks', checkKey(name, MEMBER_CHECK));
    if (check === undefined || check.serviceId !== '') return [];
    return [{ id, name, status: check.status === 'passing' ? 'passing' : 'critical' }];
  });
}

export interface MembersOptions {
  store: Store;
  presence: Presence;
  /** A node that was silent for so long (ms) under this leader is taken out of the catalog; one that left is shown for so long. */
  forgetAfter: number;
  /** Servers are never forgotten here: they count towards the majority. By node ID. */
  isServer(id: string): boolean;
  clock: Clock;
  /** The time of day, ms since the epoch. */
  time: () => number;
  logger: Logger;
}

/** Has the checks of nodes follow who is there, and forgets who is gone for good. Runs on the leader; the answer ends it. */
export function watchMembers({
  store,
  presence,
  forgetAfter,
  isServer,
  clock,
  time,
  logger,
}: MembersOptions): () => void {
  const { catalog } = store;
  let massSince = 0;
  /** By node ID. */
  const silentSince = new Map<string, number>();
  let cancel = () => {};
  let isWriting = false;

  const look = async (): Promise<void> => {
    const now = clock.now();
    // Who begins has to hear of everybody first.
    if (!presence.isSettled) return;
    const members = membersOf(catalog);
    const changes: { name: string; status: Member['status'] }[] = [];
    const fresh: Member[] = [];
    const gone: Member[] = [];
    for (const member of members) {
      const state = presence.of(member.id);
      if (state === 'silent') {
        const since = silentSince.get(member.id) ?? now;
        silentSince.set(member.id, since);
        if (now - since >= forgetAfter && member.status === 'critical' && !isServer(member.id))
          gone.push(member);
      } else {
        silentSince.delete(member.id);
        if (state === 'there' && member.status === 'critical')
          changes.push({ name: member.name, status: 'passing' });
        continue;
      }
      if (member.status === 'critical') continue;
      fresh.push(member);
    }
    const alive = members.filter(({ status }) => status === 'passing').length;
    const isMass = fresh.length > Math.max(MASS_FLOOR, alive * MASS_SHARE);
    if (isMass && massSince === 0) {
      massSince = now;
      logger.warn('many nodes fell silent at once: they stay in the rotation for a while', {
        silent: fresh.length,
        members: members.length,
        seconds: MASS_PATIENCE / 1000,
      });
    }
    if (!isMass) massSince = 0;
    if (!isMass || now - massSince >= MASS_PATIENCE)
      for (const { name } of fresh) changes.push({ name, status: 'critical' });
    const reapedBefore = time() - forgetAfter;
    const outlived = outlivedLeft(catalog, reapedBefore);
    if (changes.length === 0 && gone.length === 0 && outlived.length === 0) return;
    await store.write((tx) => {
      for (const { name } of gone) deregisterNode(tx, name);
      // As it is by then: one that was back may have left again.
      for (const name of outlivedLeft(tx, reapedBefore)) forgetLeft(tx, name);
      for (const { name, status } of changes)
        updateCheck(tx, name, MEMBER_CHECK, {
          status,
          output: status === 'passing' ? ALIVE_OUTPUT : SILENT_OUTPUT,
        });
    });
    for (const { id, name } of gone) {
      silentSince.delete(id);
      logger.info('a node was silent for too long and is forgotten', { node: name });
    }
    for (const { name, status } of changes)
      logger.info(status === 'passing' ? 'a node is back' : 'a node is silent', { node: name });
  };
  let lookedAt = clock.now();
  let hasWaited = false;
  const turn = () => {
    cancel = clock.after(LOOK, turn);
    const now = clock.now();
    // Its own standstill is nobody's silence. One turn is enough to read what has come, so that a slow machine is no blind one.
    hasWaited = !hasWaited && now - lookedAt >= STOOD_STILL;
    lookedAt = now;
    if (hasWaited || isWriting) return;
    isWriting = true;
    look()
      .catch((error: unknown) => logger.warn(`the state of nodes could not be written: ${messageOf(error)}`))
      .finally(() => {
        isWriting = false;
      });
  };
  cancel = clock.after(LOOK, turn);
  return () => cancel();
}
