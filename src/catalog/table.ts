import { compareUtf8, lowerBound } from '../lib/order.ts';
import type { Rows, TableName } from './rows.ts';
import { shapeOf } from './tables.ts';

/** One table: rows by key, their keys in order, and the keys by each index. */
export class Table<T extends TableName> {
  readonly #shape;
  readonly #rows = new Map<string, Rows[T]>();
  readonly #keys: string[] = [];
  readonly #indexes: { of: (row: Rows[T]) => readonly string[]; keys: Map<string, string[]> }[];
  readonly #indexByName = new Map<string, Map<string, string[]>>();

  constructor(name: T) {
    this.#shape = shapeOf(name);
    this.#indexes = Object.entries(this.#shape.indexes).map(([index, of]) => {
      const keys = new Map<string, string[]>();
      this.#indexByName.set(index, keys);
      return { of, keys };
    });
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): Rows[T] | undefined {
    return this.#rows.get(key);
  }

  all(): Rows[T][] {
    return this.#keys.map((key) => this.#rows.get(key) as Rows[T]);
  }

  list(index: string, value: string): Rows[T][] {
    const keys = this.#indexByName.get(index)?.get(value);
    return keys === undefined ? [] : keys.map((key) => this.#rows.get(key) as Rows[T]);
  }

  prefix(prefix: string): Rows[T][] {
    const found: Rows[T][] = [];
    for (let at = lowerBound(this.#keys, prefix); at < this.#keys.length; at++) {
      const key = this.#keys[at] as string;
      if (!key.startsWith(prefix)) break;
      found.push(this.#rows.get(key) as Rows[T]);
    }
    return found;
  }

  /** Values of an index that at least one row has. */
  values(index: string): IterableIterator<string> {
    return (this.#indexByName.get(index) ?? new Map<string, string[]>()).keys();
  }

  /** Puts `row` in the place of the row with its key, or removes that row. Answers what was there. */
  set(key: string, row: Rows[T] | undefined): Rows[T] | undefined {
    const before = this.#rows.get(key);
    if (row === undefined) {
      if (before === undefined) return undefined;
      this.#rows.delete(key);
      remove(this.#keys, key);
    } else {
      this.#rows.set(key, row);
      if (before === undefined) insert(this.#keys, key);
    }
    for (const { of, keys } of this.#indexes) {
      const old = before === undefined ? [] : of(before);
      const now = row === undefined ? [] : of(row);
      for (const value of old) if (!now.includes(value)) removeFrom(keys, value, key);
      for (const value of now) if (!old.includes(value)) addTo(keys, value, key);
    }
    return before;
  }
}

function insert(keys: string[], key: string): void {
  // Keys mostly arrive in order (a load from disk, a growing prefix): then no search and no move.
  const last = keys[keys.length - 1];
  if (last === undefined || compareUtf8(last, key) < 0) {
    keys.push(key);
    return;
  }
  const at = lowerBound(keys, key);
  if (keys[at] !== key) keys.splice(at, 0, key);
}

function remove(keys: string[], key: string): void {
  const at = lowerBound(keys, key);
  if (keys[at] === key) keys.splice(at, 1);
}

function addTo(index: Map<string, string[]>, value: string, key: string): void {
  const keys = index.get(value);
  if (keys === undefined) index.set(value, [key]);
  else insert(keys, key);
}

function removeFrom(index: Map<string, string[]>, value: string, key: string): void {
  const keys = index.get(value);
  if (keys === undefined) return;
  remove(keys, key);
  if (keys.length === 0) index.delete(value);
}
