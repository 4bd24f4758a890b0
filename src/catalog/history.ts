import type { Clock } from '../lib/clock.ts';
import type { Catalog } from './catalog.ts';
import type { Change } from './feed.ts';
import type { Check, Node, Service } from './rows.ts';
import { checkKey, nodeKey, serviceKey } from './tables.ts';

/** A point in the life of the catalog. `time` in ms since the epoch. */
export interface Moment {
  readonly index: number;
  readonly time: number;
}

/** What one node, service instance or check went through in one commit. */
export type HistoryChange = Extract<Change, { table: 'nodes' | 'services' | 'checks' }>;

interface Page extends Moment {
  readonly changes: readonly HistoryChange[];
  readonly bytes: number;
}

/** Nodes, services and checks as they were at a moment, in the order of their keys. */
export interface CatalogThen extends Moment {
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly checks: readonly Check[];
}

/** What a change takes besides the row that it replaced, roughly. */
const PER_CHANGE = 160;

/**
 * What became of nodes, services and checks since the process began, as far back as `maxBytes` reach: the oldest changes
 * are forgotten first. Kept in memory: rows are immutable, so a change costs little more than the row that it replaced. An
 * earlier state is made from the present one by undoing what came after it.
 */
export class History {
  readonly #catalog: Catalog;
  readonly #maxBytes: number;
  /** The oldest first; those before `#first` are forgotten. */
  #pages: Page[] = [];
  #first = 0;
  #bytes = 0;
  /** The earliest state that can be told: that before the first page. */
  #oldest: Moment;
  readonly stop: () => void;

  constructor({
    catalog,
    clock,
    maxBytes,
  }: { catalog: Catalog; clock: Pick<Clock, 'now'>; maxBytes: number }) {
    this.#catalog = catalog;
    this.#maxBytes = maxBytes;
    this.#oldest = { index: catalog.index, time: clock.now() };
    this.stop = catalog.feed.subscribe(({ index, changes }) => {
      const own = changes.filter(isTold);
      if (own.length === 0) return;
      const bytes = own.reduce((sum, { before }) => sum + PER_CHANGE + sizeOf(before), 0);
      // A clock that is set back must not make a later change the earlier one.
      const time = Math.max(clock.now(), this.newest.time);
      this.#pages.push({ index, time, changes: own, bytes });
      this.#bytes += bytes;
      this.#shrink();
    });
  }

  get oldest(): Moment {
    return this.#oldest;
  }

  get newest(): Moment {
    const last = this.#pages.length > this.#first ? this.#pages[this.#pages.length - 1] : undefined;
    return last ?? this.#oldest;
  }

  /** What the kept changes take, as far as it can be told. At most `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The last moment at or before `time`; undefined when that is older than what is kept. */
  momentAt(time: number): Moment | undefined {
    return this.#last((page) => page.time <= time, time >= this.#oldest.time);
  }

  /** The last moment at or before `index`; undefined when that is older than what is kept. */
  momentOf(index: number): Moment | undefined {
    return this.#last((page) => page.index <= index, index >= this.#oldest.index);
  }

  /** Changes after index `since` and up to index `until`, the oldest first. */
  *between(since: number, until: number): Generator<Moment & { change: HistoryChange }> {
    for (let i = this.#first; i < this.#pages.length; i++) {
      const { index, time, changes } = this.#pages[i] as Page;
      if (index <= since) continue;
      if (index > until) return;
      for (const change of changes) yield { index, time, change };
    }
  }

  /** The catalog after the commit of `moment`, which must be one that was answered here. */
  at({ index, time }: Moment): CatalogThen {
    const nodes = new Map(this.#catalog.all('nodes').map((row) => [nodeKey(row.name), row]));
    const services = new Map(this.#catalog.all('services').map((row) => [serviceKey(row.node, row.id), row]));
    const checks = new Map(this.#catalog.all('checks').map((row) => [checkKey(row.node, row.id), row]));
    for (let i = this.#pages.length - 1; i >= this.#first; i--) {
      const page = this.#pages[i] as Page;
      if (page.index <= index) break;
      for (let j = page.changes.length - 1; j >= 0; j--) {
        const change = page.changes[j] as HistoryChange;
        if (change.table === 'nodes') undo(nodes, change.key, change.before);
        else if (change.table === 'services') undo(services, change.key, change.before);
        else undo(checks, change.key, change.before);
      }
    }
    return { index, time, nodes: ordered(nodes), services: ordered(services), checks: ordered(checks) };
  }

  #last(is: (page: Page) => boolean, reaches: boolean): Moment | undefined {
    for (let i = this.#pages.length - 1; i >= this.#first; i--) {
      const page = this.#pages[i] as Page;
      if (is(page)) return page;
    }
    return reaches ? this.#oldest : undefined;
  }

  #shrink(): void {
    while (this.#bytes > this.#maxBytes && this.#first < this.#pages.length) {
      const { index, time, bytes } = this.#pages[this.#first] as Page;
      this.#pages[this.#first++] = FORGOTTEN;
      this.#oldest = { index, time };
      this.#bytes -= bytes;
    }
    // Moved together only when half of it is empty: that costs each page one move.
    if (this.#first > 1024 && this.#first > this.#pages.length / 2) {
      this.#pages = this.#pages.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** In the place of what was forgotten, so that its rows are let go. */
const FORGOTTEN: Page = { index: 0, time: 0, changes: [], bytes: 0 };

function isTold(change: Change): change is HistoryChange {
  return change.table === 'nodes' || change.table === 'services' || change.table === 'checks';
}

function undo<Row>(rows: Map<string, Row>, key: string, before: Row | undefined): void {
  if (before === undefined) rows.delete(key);
  else rows.set(key, before);
}

function ordered<Row>(rows: Map<string, Row>): Row[] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** Bytes that a value takes, roughly. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 24 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 32;
  for (const inner of Object.values(value)) size += sizeOf(inner);
  return size;
}
