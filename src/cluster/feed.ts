import type { Catalog } from '../catalog/catalog.ts';
import type { Write } from '../catalog/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import { type ClusterState, type FeedMessage, lineOf } from './feed-message.ts';
import type { Outlet } from './link/rpc.ts';
import { WholeCatalog } from './whole-catalog.ts';

/** Who follows. */
export interface Following {
  /** Index of its catalog. */
  readonly index: number;
  /** ID of the node. */
  readonly id: string;
}

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
/** Commits that can be resumed from, by rows in them. */
const KEEP_ROWS = 100_000;
/** A follower that takes nothing is let go with so many bytes waiting: it begins anew when it comes back. */
const MAX_BACKLOG = 64 * 1024 * 1024;
/** More of a whole catalog is sent once fewer bytes than this wait. */
const LOW_BACKLOG = 1024 * 1024;
/** How often that is looked at, in ms. */
const PUMP = 5;

interface Kept {
  base: number;
  index: number;
  rows: number;
  line: Buffer;
}

interface Follower {
  id: string;
  outlet: Outlet;
  /** Bytes, so far. */
  received: number;
  /** How often it was looked since that last grew. */
  quiet: number;
  /** The whole catalog is on its way: commits are sent after it. */
  isBehind: boolean;
}

/** Hands every commit on to those who follow this server. Each is written as text once, however many there are. */
export class Feed {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  readonly #state: () => ClusterState;
  readonly #hear: (id: string) => void;
  #told = '';
  /** What followers are being sent that could not go on from where they were. */
  #whole: WholeCatalog | undefined;
  #kept: Kept[] = [];
  #rows = 0;
  #last: number;
  readonly #cancels: (() => void)[];
  readonly #unsubscribe: () => void;

  /** `hear` is called again and again with the ID of every follower that is there. */
  constructor(
    catalog: Catalog,
    { clock, state, hear }: { clock: Clock; state: () => ClusterState; hear: (id: string) => void },
  ) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#state = state;
    this.#hear = hear;
    this.#last = catalog.index;
    this.#unsubscribe = catalog.feed.subscribe(({ index, changes }) => {
      const writes = changes.map(({ table, key, after }) => ({ table, key, row: after }) as Write);
      const line = lineOf({ kind: 'commit', base: this.#last, index, writes });
      this.#kept.push({ base: this.#last, index, rows: writes.length + 1, line });
      this.#rows += writes.length + 1;
      while (this.#rows > KEEP_ROWS && this.#kept.length > 1) this.#rows -= (this.#kept.shift() as Kept).rows;
      this.#last = index;
      this.#tell(line);
    });
    this.#cancels = [this.#every(LOOK, () => this.#look()), this.#every(TELL, () => this.#tellState())];
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** Sends what `outlet` needs to get from `index` to the present, and from then on every commit. */
  follow({ index, id }: Following, outlet: Outlet): void {
    const { received } = outlet;
    const follower: Follower = { id, outlet, received, quiet: 0, isBehind: false };
    this.#followers.add(follower);
    outlet.onClose(() => this.#followers.delete(follower));
    this.#hear(id);
    outlet.write(this.#stateLine(this.#state()));
    if (!this.#catchUp(follower, index)) this.#sendWhole(follower);
  }

  /** Tells all who follow. */
  news(news: Omit<Extract<FeedMessage, { kind: 'news' }>, 'kind'>): void {
    const line = lineOf({ kind: 'news', ...news });
    for (const { outlet } of this.#followers) outlet.write(line);
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#unsubscribe();
    for (const { outlet } of this.#followers) outlet.close();
  }

  #tell(line: Buffer): void {
    for (const { outlet, isBehind } of this.#followers) {
      if (!isBehind) outlet.write(line);
      if (outlet.backlog > MAX_BACKLOG) outlet.close();
    }
  }

  /** Sends all commits since `index`. False: they are not kept any more. */
  #catchUp({ outlet }: Follower, index: number): boolean {
    const from = this.#keptSince(index);
    if (from === undefined) return false;
    for (let at = from; at < this.#kept.length; at++) outlet.write((this.#kept[at] as Kept).line);
    return true;
  }

  /** Where the commits after `index` begin. */
  #keptSince(index: number): number | undefined {
    if (index === this.#last) return this.#kept.length;
    let [from, to] = [0, this.#kept.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#kept[middle] as Kept).base < index) from = middle + 1;
      else to = middle;
    }
    return this.#kept[from]?.base === index ? from : undefined;
  }

  #sendWhole(follower: Follower): void {
    const { outlet } = follower;
    const known = this.#whole;
    const whole =
      known !== undefined && this.#keptSince(known.index) !== undefined
        ? known
        : new WholeCatalog(this.#catalog);
    this.#whole = whole;
    whole.users++;
    follower.isBehind = true;
    let at = 0;
    let cancel = () => {};
    const pump = () => {
      while (outlet.backlog < LOW_BACKLOG) {
        const line = whole.line(at++);
        if (line === undefined) {
          end();
          follower.isBehind = false;
          // It took so long that what came since is not kept: it begins anew.
          if (!this.#catchUp(follower, whole.index)) outlet.close();
          return;
        }
        outlet.write(line);
      }
      cancel = this.#clock.after(PUMP, pump);
    };
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      cancel();
      if (--whole.users === 0 && this.#whole === whole) this.#whole = undefined;
    };
    outlet.onClose(end);
    pump();
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
        this.#hear(follower.id);
      } else if (++follower.quiet > GONE_AFTER) follower.outlet.cut();
    }
  }

  #stateLine(state: ClusterState): Buffer {
    return lineOf({ kind: 'state', index: this.#catalog.index, ...state });
  }

  /** That all is well and as before is told by the answers to pings. */
  #tellState(): void {
    const state = this.#state();
    const isWell = state.known && state.silence < HEARD_OF;
    const now = isWell ? JSON.stringify({ ...state, silence: 0 }) : '';
    if (isWell && now === this.#told) return;
    this.#told = now;
    const line = this.#stateLine(state);
    for (const { outlet } of this.#followers) outlet.write(line);
  }
}
