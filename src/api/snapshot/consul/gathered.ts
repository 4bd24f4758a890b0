import { MEMBER_CHECK, type Rows, type TableName } from '../../../catalog/rows.ts';
import { checkKey, fold, shapeOf } from '../../../catalog/tables.ts';
import type { Draft, Write } from '../../../catalog/transaction.ts';
import { extend } from '../../../lib/extend.ts';
import { nextTurn } from '../../../lib/in-turns.ts';
import type { Fields } from './fields.ts';

/** Rows listed in one turn of the event loop: some 2 ms. */
const BATCH = 4_096;

/** The rows that were made of a snapshot's records, and what was left out, counted by what it is. */
export class Gathered {
  readonly #tables = new Map<TableName, Map<string, Rows[TableName]>>();
  readonly #leftOut = new Map<string, number>();
  /** Names of the nodes that kept Consul's catalog. */
  readonly #servers = new Set<string>();
  /** When it is read, ms since the epoch: what the snapshot does not date is of then. */
  readonly now: number;

  /** They are of this program: taken as they are. */
  readonly isOurs: boolean;

  constructor(now: number, isOurs = false) {
    this.now = now;
    this.isOurs = isOurs;
  }

  get<T extends TableName>(table: T, key: string): Rows[T] | undefined {
    return this.#rows(table).get(key);
  }

  put<T extends TableName>(table: T, draft: Draft<Rows[T]>): void {
    const row = extend(draft, { createIndex: 0, modifyIndex: 0 }) as unknown as Rows[T];
    this.#rows(table).set(shapeOf(table).key(row), row);
  }

  /** Puts a row that is whole already. */
  putWrite({ table, key, row }: Write): void {
    if (row !== undefined) this.#rows(table).set(key, row);
  }

  /** `what` in the plural: "intentions". */
  leaveOut(what: string, count = 1): void {
    this.#leftOut.set(what, (this.#leftOut.get(what) ?? 0) + count);
  }

  /** Which servers there are is of the present, as after a restore of a snapshot of ours. */
  leaveOutServer(node: string): void {
    this.#servers.add(fold(node));
    this.leaveOut("Consul's own servers");
  }

  /** Counts a record that belongs to a namespace or a partition of Consul Enterprise, of which there is one here. */
  isElsewhere(record: Fields): boolean {
    const isHere = ['Namespace', 'Partition'].every((field) =>
      ['', 'default'].includes(record.text(field).toLowerCase()),
    );
    if (!isHere) this.leaveOut('records of other namespaces and partitions');
    return !isHere;
  }

  get leftOut(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#leftOut);
  }

  /** All rows; of Consul's nothing hangs on what is not among them. */
  async writes(): Promise<Write[]> {
    if (!this.isOurs) this.#settle();
    const writes: Write[] = [];
    for (const [table, rows] of this.#tables)
      for (const [key, row] of rows) {
        writes.push({ table, key, row } as Write);
        if (writes.length % BATCH === 0) await nextTurn();
      }
    return writes;
  }

  #settle(): void {
    this.#dropServers();
    const hasNode = (name: string) => this.#rows('nodes').has(fold(name));
    const sessions = this.#rows('sessions');
    const kv = this.#rows('kv');
    for (const [key, { node }] of sessions)
      if (!hasNode(node)) this.#drop('sessions', key, 'sessions without a node');
    for (const [key, { session }] of this.#rows('queries'))
      if (session !== '' && !sessions.has(session))
        this.#drop('queries', key, 'prepared queries without a session');
    for (const [key, entry] of kv)
      if (entry.session !== '' && !sessions.has(entry.session)) kv.set(key, { ...entry, session: '' });
    for (const [key, { node }] of this.#rows('coordinates'))
      if (!hasNode(node)) this.#rows('coordinates').delete(key);
    for (const key of this.#rows('tombstones').keys()) if (kv.has(key)) this.#rows('tombstones').delete(key);
  }

  /** Nodes that were servers and nothing else: nobody would ever hear of them here. */
  #dropServers(): void {
    const busy = new Set<string>();
    for (const { node } of this.#rows('services').values()) busy.add(fold(node));
    for (const { node, id } of this.#rows('checks').values()) if (id !== MEMBER_CHECK) busy.add(fold(node));
    for (const name of this.#servers) {
      if (busy.has(name)) continue;
      this.#rows('nodes').delete(name);
      this.#rows('checks').delete(checkKey(name, MEMBER_CHECK));
    }
  }

  #drop(table: TableName, key: string, what: string): void {
    this.#rows(table).delete(key);
    this.leaveOut(what);
  }

  #rows<T extends TableName>(table: T): Map<string, Rows[T]> {
    let rows = this.#tables.get(table);
    if (rows === undefined) {
      rows = new Map();
      this.#tables.set(table, rows);
    }
    return rows as Map<string, Rows[T]>;
  }
}
