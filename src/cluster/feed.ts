import type { Catalog } from '../catalog/catalog.ts';
import type { Write } from '../catalog/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import { CommitLog } from './commit-log.ts';
import { type ClusterState, type FeedMessage, lineOf } from './feed-message.ts';
import type { Outlet } from './link/lines.ts';
import { SILENT_AFTER } from './liveness.ts';
import { type Lag, NO_LAG, type Sighting } from './outlook.ts';
import { WholeCatalog } from './whole-catalog.ts';

/** Who follows. */
export interface Following {
  /** Index of its catalog. */
  readonly index: number;
  /** ID of the node. */
  readonly id: string;
  /** Of its program. */
  readonly version?: string;
  /** It may have missed events of the last so many ms, while it followed nobody; undefined: it begins. */
  readonly missed?: number;
}

/** So many events are kept for those who may have missed them. */
const MAX_EVENTS = 256;
/** How often followers are looked at, in ms: who sent anything since then, be it a ping, is there. */
const LOOK = 200;
/**
 * A follower that sent nothing between so many looks follows another server, or none: its link is ended. Not a time: a server that is short of
 * it would take its own standstill for theirs.
 */
const GONE_AFTER = 50;
/** How often it is looked whether there is a state to tell, in ms. */
const TELL = 400;
/** A majority that was heard of within this time (ms) needs no mention: it is told of when it was not. */
const HEARD_OF = 1_000;
/** By how much the time of day may be another than followers were told, in ms: little as against what is held back for a while. */
const TIME_ERROR = 1_000;
/** A follower is sent more once fewer bytes than this wait for it. What it does not take waits here, where all share it. */
const LOW_BACKLOG = 1024 * 1024;
/** How often that is looked at, in ms. */
const PUMP = 5;
/**
 * Followers that are written to in one turn of the event loop, some ms of work: with thousands of them the others' signs of life are read in between,
 * and what is committed meanwhile goes along to those whose turn is yet to come.
 */
const PER_TURN = 256;
/** How often followers are asked for signs of life, in ms: what they cost is to stay less than what else is done. */
const PACE = 400;
const SLOW_PACE = 1_000;
/** More than so many are asked less often, until they are as few as those again. */
const MANY = 2_500;
const FEW = 2_000;
/** One that is asked less often counts as there for longer, in parts of the difference: two signs are missing then, where else it is three. */
const LEEWAY = 1.5;

interface Follower {
  readonly id: string;
  readonly version: string;
  readonly outlet: Outlet;
  /** Since when, ms since the epoch. */
  readonly since: number;
  /** What it last said of its catalog, and when. */
  said: { readonly index: number; readonly lag: Lag; readonly at: number } | undefined;
  /** What the outlet had received when it was last looked at. */
  received: number;
  /** How often it was looked since that last grew. */
  quiet: number;
  /** A whole catalog is on its way to it: commits are sent after that. */
  whole: WholeCatalog | undefined;
  /** What it is sent next: the number of a line of `whole`, or of a commit. */
  at: number;
}

/** Hands every commit on to those who follow this server. Each is written as text once, however many there are. */
export class Feed {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  readonly #state: () => ClusterState;
  readonly #keys: () => readonly string[];
  readonly #hear: (id: string, leeway: number) => void;
  #pace = PACE;
  #told = '';
  /** By how much the time of day is ahead of the clock, in ms. */
  #ahead = 0;
  /** What followers are being sent that could not go on from where they were. */
  #whole: WholeCatalog | undefined;
  readonly #log: CommitLog;
  #events: { readonly at: number; readonly line: Buffer }[] = [];
  /** Those whose turn is yet to come in a round over all, and the number of the first commit that the round does not bring to all. */
  #round: Iterator<Follower> | undefined;
  #roundTo = 0;
  /** Those who take less at a time than there is for them. */
  readonly #slow = new Set<Follower>();
  #isPumping = false;
  readonly #cancels: (() => void)[];
  readonly #unsubscribe: () => void;

  /**
   * `hear` is called again and again with the ID of every follower that is there, and for how much longer (ms) than usual it may then be
   * silent.
   */
  constructor(
    catalog: Catalog,
    {
      clock,
      state,
      keys,
      hear,
    }: {
      clock: Clock;
      state: () => ClusterState;
      keys: () => readonly string[];
      hear: (id: string, leeway: number) => void;
    },
  ) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#state = state;
    this.#keys = keys;
    this.#hear = hear;
    this.#log = new CommitLog(catalog.index);
    this.#unsubscribe = catalog.feed.subscribe(({ index, changes }) => {
      const writes = changes.map(({ table, key, after }) => ({ table, key, row: after }) as Write);
      const base = this.#log.index;
      const line = lineOf({ kind: 'commit', base, index, writes });
      this.#log.add(index, { base, rows: writes.length + 1, at: clock.now(), line });
      if (this.#round === undefined) this.#begin();
    });
    this.#cancels = [this.#every(LOOK, () => this.#look()), this.#every(TELL, () => this.#tellState())];
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** Sends what `outlet` needs to get from `index` to the present, and from then on every commit. */
  follow({ index, id, version = '', missed = 0 }: Following, outlet: Outlet): void {
    const { received } = outlet;
    const at = this.#log.numberAfter(index);
    const whole = at === undefined ? this.#wholeCatalog() : undefined;
    const since = this.#clock.now();
    const said = undefined;
    const follower: Follower = { id, version, outlet, since, said, received, quiet: 0, whole, at: at ?? 0 };
    this.#followers.add(follower);
    outlet.onClose(() => this.#forget(follower));
    outlet.onNumber((number) => {
      follower.said = { index: number, lag: this.lagOf(number), at: this.#clock.now() };
    });
    this.#hear(id, this.#leeway);
    // Keys may have been changed while it was away.
    const keys = lineOf({ kind: 'news', keys: this.#keys() });
    const events = this.#events.flatMap(({ at, line: event }) => (at > since - missed ? [event] : []));
    outlet.write(Buffer.concat([this.#stateLine(this.#state()), keys, ...events]));
    this.#send(follower);
  }

  /** How far a catalog that is at `index` at this moment is behind this server's. */
  lagOf(index: number): Lag {
    const since = this.#log.lackedSince(index);
    if (since === undefined) return NO_LAG;
    return { revisions: this.#catalog.index - index, ms: Math.max(0, this.#clock.now() - since) };
  }

  /** Those who follow. */
  sightings(): Sighting[] {
    const now = this.#clock.now();
    return [...this.#followers].map(({ id, version, since, said, quiet }): Sighting => {
      const silence = said === undefined ? quiet * LOOK : now - said.at;
      // A machine that lost its power ends no link.
      const isUp = silence <= SILENT_AFTER + this.#leeway;
      const age = isUp ? now - since : silence;
      const trouble = isUp ? '' : 'nothing comes over it';
      const links = [{ kind: 'feed' as const, isUp, age, trouble }];
      return { id, version, silence, index: said?.index ?? null, lag: said?.lag ?? null, links };
    });
  }

  /** Tells all who follow. */
  news(news: Omit<Extract<FeedMessage, { kind: 'news' }>, 'kind'>): void {
    const line = lineOf({ kind: 'news', ...news });
    if (news.event !== undefined)
      this.#events = [...this.#events, { at: this.#clock.now(), line }].slice(-MAX_EVENTS);
    for (const { outlet } of this.#followers) outlet.write(line);
  }

  /** Tells all who follow of keys that were changed. */
  tellKeys(): void {
    this.news({ keys: this.#keys() });
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#unsubscribe();
    for (const { outlet } of this.#followers) outlet.close();
  }

  /** One that can be gone on from with the commits that are kept. */
  #wholeCatalog(): WholeCatalog {
    if (this.#whole === undefined || this.#log.numberAfter(this.#whole.index) === undefined)
      this.#whole = new WholeCatalog(this.#catalog);
    this.#whole.users++;
    return this.#whole;
  }

  #begin(): void {
    this.#round = this.#followers.values();
    this.#roundTo = this.#log.next;
    this.#goOn();
  }

  /** A part of a round. After the last one another begins when something was committed meanwhile. */
  readonly #goOn = (): void => {
    for (let left = PER_TURN; left > 0; left--) {
      const { value, done } = (this.#round as Iterator<Follower>).next();
      if (!done) this.#send(value);
      else {
        this.#round = undefined;
        if (this.#roundTo < this.#log.next) this.#begin();
        return;
      }
    }
    setImmediate(this.#goOn);
  };

  /** Sends what a follower lacks, as far as it takes that. */
  #send(follower: Follower): void {
    const { outlet } = follower;
    while (follower.whole !== undefined || follower.at < this.#log.next) {
      if (outlet.backlog >= LOW_BACKLOG) {
        this.#slow.add(follower);
        this.#pump();
        return;
      }
      const line = follower.whole?.line(follower.at);
      if (line !== undefined) {
        follower.at++;
        outlet.write(line);
        continue;
      }
      if (follower.whole !== undefined) {
        follower.at = this.#log.numberAfter(follower.whole.index) ?? -1;
        this.#release(follower);
      }
      // It took so little that what it lacks is not kept any more: it begins anew.
      if (follower.at < this.#log.first) {
        outlet.close();
        return;
      }
      if (follower.at === this.#log.next) break;
      const { to, bytes } = this.#log.pieceFrom(follower.at);
      follower.at = to;
      outlet.write(bytes);
    }
    this.#slow.delete(follower);
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#clock.after(PUMP, () => {
      this.#isPumping = false;
      for (const follower of this.#slow) this.#send(follower);
    });
  }

  #forget(follower: Follower): void {
    this.#followers.delete(follower);
    this.#slow.delete(follower);
    this.#release(follower);
  }

  #release(follower: Follower): void {
    const { whole } = follower;
    follower.whole = undefined;
    if (whole !== undefined && --whole.users === 0 && this.#whole === whole) this.#whole = undefined;
  }

  #every(ms: number, task: () => void): () => void {
    let cancel = () => {};
    const turn = () => {
      cancel = this.#clock.after(ms, turn);
      task();
    };
    cancel = this.#clock.after(ms, turn);
    return () => cancel();
  }

  #look(): void {
    for (const follower of this.#followers) {
      const { received } = follower.outlet;
      if (received !== follower.received) {
        follower.received = received;
        follower.quiet = 0;
        this.#hear(follower.id, this.#leeway);
      } else if (++follower.quiet > GONE_AFTER) follower.outlet.close();
    }
  }

  get #leeway(): number {
    return (this.#pace - PACE) * LEEWAY;
  }

  #stateLine(state: ClusterState): Buffer {
    return lineOf({ kind: 'state', index: this.#catalog.index, pace: this.#pace, ...state });
  }

  /** That all is well and as before is told by the answers to pings. */
  #tellState(): void {
    if (this.#followers.size > MANY) this.#pace = SLOW_PACE;
    else if (this.#followers.size <= FEW) this.#pace = PACE;
    const state = this.#state();
    const isWell = state.known && state.silence < HEARD_OF;
    // Followers reckon on from the time that they were told.
    const ahead = state.time === undefined ? 0 : state.time - this.#clock.now();
    if (Math.abs(ahead - this.#ahead) > TIME_ERROR) this.#ahead = ahead;
    const now = isWell ? JSON.stringify({ ...state, silence: 0, time: this.#ahead, pace: this.#pace }) : '';
    if (isWell && now === this.#told) return;
    this.#told = now;
    const line = this.#stateLine(state);
    for (const { outlet } of this.#followers) outlet.write(line);
  }
}
