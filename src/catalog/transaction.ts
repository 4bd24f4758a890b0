import { extend } from '../lib/extend.ts';
import { compareUtf8 } from '../lib/order.ts';
import type { Indexed, Rows, TableName } from './rows.ts';
import { type IndexName, type Reader, shapeOf } from './tables.ts';

/** A row as a command writes it: the positions are filled in by the transaction. */
export type Draft<Row> = Omit<Row, keyof Indexed>;

/** One row written or, without `row`, removed. */
export type Write = { [T in TableName]: { table: T; key: string; row: Rows[T] | undefined } }[TableName];

/**
 * An overlay over a reader: a command reads through it and writes into it. Nothing is visible outside until
 * the writes are applied; dropping the transaction undoes everything. Transactions nest: a group of commands
 * is an overlay over the tables, each command an overlay over the group.
 */
export class Transaction implements Reader {
  readonly #base: Reader;
  /** Position that rows written here get. */
  readonly index: number;
  /** When the command runs, ms since the epoch: commands take the time from here. */
  readonly now: number;
  readonly #writes = new Map<TableName, Map<string, Rows[TableName] | undefined>>();

  constructor(base: Reader, index: number, now: number = Date.now()) {
    this.#base = base;
    this.index = index;
    this.now = now;
  }

  get<T extends TableName>(table: T, key: string): Rows[T] | undefined {
    const written = this.#writes.get(table);
    return written?.has(key) ? (written.get(key) as Rows[T] | undefined) : this.#base.get(table, key);
  }

  list<T extends TableName>(table: T, index: IndexName<T>, value: string): Rows[T][] {
    const of = shapeOf(table).indexes[index] as (row: Rows[T]) => readonly string[];
    return this.#merge(table, this.#base.list(table, index, value), (row) => of(row).includes(value));
  }

  all<T extends TableName>(table: T): Rows[T][] {
    return this.#merge(table, this.#base.all(table), () => true);
  }

  prefix<T extends TableName>(table: T, prefix: string): Rows[T][] {
    const { key } = shapeOf(table);
    return this.#merge(table, this.#base.prefix(table, prefix), (row) => key(row).startsWith(prefix));
  }

  /** Writes a row; it keeps the `createIndex` of the row it replaces. Answers the row as it will be seen. */
  put<T extends TableName>(table: T, draft: Draft<Rows[T]>): Rows[T] {
    const key = shapeOf(table).key(draft as Rows[T]);
    const createIndex = this.get(table, key)?.createIndex ?? this.index;
    const row = extend(draft, { createIndex, modifyIndex: this.index }) as Rows[T];
    this.#written(table).set(key, row);
    return row;
  }

  /** Removes a row. False when there is none. */
  delete(table: TableName, key: string): boolean {
    if (this.get(table, key) === undefined) return false;
    this.#written(table).set(key, undefined);
    return true;
  }

  /** The writes, the last one for each row, in the order in which rows were first written. */
  writes(): Write[] {
    const list: Write[] = [];
    for (const [table, rows] of this.#writes) {
      for (const [key, row] of rows) list.push({ table, key, row } as Write);
    }
    return list;
  }

  get isEmpty(): boolean {
    return this.#writes.size === 0;
  }

  /** Takes over the writes of a transaction that was begun on this one. */
  absorb(inner: Transaction): void {
    for (const { table, key, row } of inner.writes()) this.#written(table).set(key, row);
  }

  #written(table: TableName): Map<string, Rows[TableName] | undefined> {
    let written = this.#writes.get(table);
    if (written === undefined) {
      written = new Map();
      this.#writes.set(table, written);
    }
    return written;
  }

  #merge<T extends TableName>(table: T, base: Rows[T][], matches: (row: Rows[T]) => boolean): Rows[T][] {
    const written = this.#writes.get(table) as Map<string, Rows[T] | undefined> | undefined;
    if (written === undefined) return base;
    const { key } = shapeOf(table);
    const merged = base.filter((row) => !written.has(key(row)));
    for (const row of written.values()) if (row !== undefined && matches(row)) merged.push(row);
    return merged.sort((a, b) => compareUtf8(key(a), key(b)));
  }
}

/** The content of a row, as a draft to write again. */
export function withoutIndexes<Row extends Indexed>(row: Row): Draft<Row> {
  const { createIndex: _created, modifyIndex: _modified, ...rest } = row;
  return rest;
}
