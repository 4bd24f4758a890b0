import { Compactor } from './compact.ts';
import { type Change, type ChangeBatch, Feed } from './feed.ts';
import type { Rows, TableName } from './rows.ts';
import { Table } from './table.ts';
import { type IndexName, type Reader, TABLE_NAMES } from './tables.ts';
import { collectTopics } from './topics.ts';
import type { Write } from './transaction.ts';
import { Watches } from './watches.ts';

/** More topics than this are not remembered one by one: a bound for names that come and go for ever. */
const MAX_TOPICS = 200_000;

const SERVICE_TOPIC = 'service:';

/**
 * The tables as everybody reads them. Only a store changes them, by `apply`, once a commit is durable; readers
 * never see half of a commit.
 */
export class Catalog implements Reader {
  readonly feed: Feed;
  readonly watches = new Watches();
  readonly #tables: { [T in TableName]: Table<T> };
  readonly #compactor = new Compactor();
  readonly #topicIndex = new Map<string, number>();
  /** Index of every topic that is not in the map: nothing older is known of it. */
  #floor = 0;
  #index = 0;

  constructor(onSubscriberError: (error: unknown) => void) {
    this.feed = new Feed(onSubscriberError);
    this.#tables = Object.fromEntries(TABLE_NAMES.map((name) => [name, new Table(name)])) as unknown as {
      [T in TableName]: Table<T>;
    };
  }

  /** Index of the last commit that is visible here. */
  get index(): number {
    return this.#index;
  }

  /** Index of the last commit that concerned `topic`; never goes backwards, also not over a restart. */
  indexOf(topic: string): number {
    return this.#topicIndex.get(topic) ?? this.#floor;
  }

  get<T extends TableName>(table: T, key: string): Rows[T] | undefined {
    return this.#tables[table].get(key);
  }

  all<T extends TableName>(table: T): Rows[T][] {
    return this.#tables[table].all();
  }

  /** All rows in no order, in a tenth of the time: 20 ms for 100,000 instances with their checks. */
  unordered<T extends TableName>(table: T): Rows[T][] {
    return this.#tables[table].unordered();
  }

  list<T extends TableName>(table: T, index: IndexName<T>, value: string): Rows[T][] {
    return this.#tables[table].list(index, value);
  }

  /** How many rows `list` has, without a look at them. */
  countOf<T extends TableName>(table: T, index: IndexName<T>, value: string): number {
    return this.#tables[table].count(index, value);
  }

  prefix<T extends TableName>(table: T, prefix: string): Rows[T][] {
    return this.#tables[table].prefix(prefix);
  }

  /** Values of an index that some row has, e.g. the folded names of all services. */
  values<T extends TableName>(table: T, index: IndexName<T>): string[] {
    return [...this.#tables[table].values(index)];
  }

  count(table: TableName): number {
    return this.#tables[table].size;
  }

  /**
   * Fills the tables with what a store kept, rows that `JSON.parse` made; what a first feed left in them that broke off may be taken out. Nobody is told: subscribers
   * come later.
   */
  load(index: number, rows: Iterable<Write>): void {
    for (const { table, key, row } of rows)
      this.#table(table).set(key, row && this.#compactor.row(table, row, true));
    this.#index = index;
    this.#floor = index;
  }

  /**
   * Makes a commit visible: tables first, then the feed, then the blocked readers. `index` must be higher than
   * the last one.
   */
  apply(index: number, writes: readonly Write[]): ChangeBatch {
    if (index <= this.#index) throw new RangeError(`index ${index} is not after ${this.#index}`);
    const changes: Change[] = [];
    for (const { table, key, row: written } of writes) {
      const row = written && this.#compactor.row(table, written);
      const before = this.#table(table).set(key, row);
      if (before !== undefined || row !== undefined)
        changes.push({ table, key, before, after: row } as Change);
    }
    this.#index = index;
    const topics = new Set<string>();
    for (const change of changes) collectTopics(change, this, topics);
    const services = new Set<string>();
    for (const topic of topics) {
      this.#topicIndex.set(topic, index);
      if (topic.startsWith(SERVICE_TOPIC)) services.add(topic.slice(SERVICE_TOPIC.length));
    }
    if (this.#topicIndex.size > MAX_TOPICS) this.#forgetTopics();
    const batch: ChangeBatch = { index, changes, topics, services };
    this.feed.publish(batch);
    this.watches.wake(
      topics,
      changes.filter(({ table }) => table === 'kv').map(({ key }) => key),
    );
    return batch;
  }

  #table(name: TableName): Table<TableName> {
    return this.#tables[name] as unknown as Table<TableName>;
  }

  /** Every topic is then as new as the last commit: readers look once more than they need to. */
  #forgetTopics(): void {
    this.#topicIndex.clear();
    this.#floor = this.#index;
  }
}
