import type { Catalog } from '../catalog/catalog.ts';
import { shapeOf, TABLE_NAMES } from '../catalog/tables.ts';
import type { Write } from '../catalog/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import { encodeWrites } from '../store/etcd/layout.ts';
import type { Entry } from './book.ts';
import type { Outlet } from './link/rpc.ts';

/**
 * What a server sends to those who follow it, in this order: all rows or nothing, then commits; signs of life in
 * between.
 */
export type FeedMessage =
  /** Some of the rows as of the `index` that a `whole` names afterwards. */
  | { readonly kind: 'rows'; readonly writes: string }
  | { readonly kind: 'whole'; readonly index: number }
  | { readonly kind: 'commit'; readonly base: number; readonly index: number; readonly writes: string }
  | {
      readonly kind: 'beat';
      readonly index: number;
      /** Whether a majority of the servers is there, and for how many ms it was not heard of. */
      readonly known: boolean;
      readonly silence: number;
      readonly servers: readonly Entry[];
      readonly leader: string;
    };

/** How often a sign of life is sent, in ms: followers turn to another server when two are missing. */
export const BEAT = 400;
/** Commits that can be resumed from, by rows in them. */
const KEEP_ROWS = 100_000;
/** Rows in one message of a whole catalog. */
const ROWS_PER_MESSAGE = 1_000;
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
  outlet: Outlet;
  /** Commits that wait until the whole catalog was sent. */
  waiting: Buffer[] | undefined;
}

const lineOf = (message: FeedMessage): Buffer => Buffer.from(`${JSON.stringify(message)}\n`);

/** Hands every commit on to those who follow this server. Each is written as text once, however many there are. */
export class Feed {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  readonly #beat: () => Omit<Extract<FeedMessage, { kind: 'beat' }>, 'kind' | 'index'>;
  #kept: Kept[] = [];
  #rows = 0;
  #last: number;
  #cancel: () => void;
  readonly #unsubscribe: () => void;

  constructor(
    catalog: Catalog,
    clock: Clock,
    beat: () => Omit<Extract<FeedMessage, { kind: 'beat' }>, 'kind' | 'index'>,
  ) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#beat = beat;
    this.#last = catalog.index;
    this.#unsubscribe = catalog.feed.subscribe(({ index, changes }) => {
      const writes = changes.map(({ table, key, after }) => ({ table, key, row: after }) as Write);
      const line = lineOf({ kind: 'commit', base: this.#last, index, writes: encodeWrites(writes) });
      this.#kept.push({ base: this.#last, index, rows: writes.length + 1, line });
      this.#rows += writes.length + 1;
      while (this.#rows > KEEP_ROWS && this.#kept.length > 1) this.#rows -= (this.#kept.shift() as Kept).rows;
      this.#last = index;
      this.#tell(line);
    });
    this.#cancel = clock.after(BEAT, () => this.#onBeat());
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** Sends what `outlet` needs to get from `index` to the present, and from then on every commit. */
  follow(index: number, outlet: Outlet): void {
    const follower: Follower = { outlet, waiting: undefined };
    this.#followers.add(follower);
    outlet.onClose(() => this.#followers.delete(follower));
    outlet.write(this.#beatLine());
    if (index === this.#catalog.index) return;
    const from = this.#kept.findIndex((one) => one.base === index);
    if (from >= 0) {
      for (const { line } of this.#kept.slice(from)) outlet.write(line);
      return;
    }
    follower.waiting = [];
    this.#sendWhole(follower);
  }

  close(): void {
    this.#cancel();
    this.#unsubscribe();
    for (const { outlet } of this.#followers) outlet.close();
  }

  #tell(line: Buffer): void {
    for (const { outlet, waiting } of this.#followers) {
      if (waiting !== undefined) waiting.push(line);
      else outlet.write(line);
      if (outlet.backlog > MAX_BACKLOG) outlet.close();
    }
  }

  /** Rows are immutable: the lists of now are sent piece by piece, while commits go on. */
  #sendWhole(follower: Follower): void {
    const { outlet } = follower;
    const { index } = this.#catalog;
    const all = TABLE_NAMES.map((table) => ({ table, rows: this.#catalog.all(table) }));
    let table = 0;
    let at = 0;
    const pump = () => {
      if (!this.#followers.has(follower)) return;
      while (outlet.backlog < LOW_BACKLOG) {
        const part = all[table];
        if (part === undefined) {
          outlet.write(lineOf({ kind: 'whole', index }));
          for (const line of follower.waiting ?? []) outlet.write(line);
          follower.waiting = undefined;
          return;
        }
        const { key } = shapeOf(part.table);
        const rows = part.rows.slice(at, at + ROWS_PER_MESSAGE);
        at += ROWS_PER_MESSAGE;
        if (rows.length < ROWS_PER_MESSAGE) {
          table++;
          at = 0;
        }
        if (rows.length === 0) continue;
        const writes = rows.map((row) => ({ table: part.table, key: key(row as never), row }) as Write);
        outlet.write(lineOf({ kind: 'rows', writes: encodeWrites(writes) }));
      }
      this.#clock.after(PUMP, pump);
    };
    pump();
  }

  #beatLine(): Buffer {
    return lineOf({ kind: 'beat', index: this.#catalog.index, ...this.#beat() });
  }

  #onBeat(): void {
    this.#cancel = this.#clock.after(BEAT, () => this.#onBeat());
    const line = this.#beatLine();
    for (const { outlet } of this.#followers) outlet.write(line);
  }
}
