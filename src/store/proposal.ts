/**
 * A command that ran somewhere else, as what it read and what it wrote: how a node that has no hand in the truth
 * has a commit made by one that has. It is good as long as everything that was read is still so.
 */
import { createHash } from 'node:crypto';
import type { Rows, TableName } from '../catalog/rows.ts';
import { type IndexName, type Reader, shapeOf, TABLES } from '../catalog/tables.ts';
import { Transaction, withoutIndexes } from '../catalog/transaction.ts';
import { MusterError } from '../errors.ts';
import type { Command } from './store.ts';

type AnyRow = Rows[TableName];

/** What was asked of one table, and what the answer stood at. */
type Seen =
  /** A row, and the index of its last change; 0: there was none. */
  | { readonly of: 'get'; readonly table: TableName; readonly key: string; readonly index: number }
  /** A list, and the digest of the keys and indexes of its rows. `value` is that of the index, or the prefix. */
  | {
      readonly of: 'list' | 'prefix' | 'all';
      readonly table: TableName;
      readonly name: string;
      readonly value: string;
      readonly digest: string;
    };

export interface Proposal {
  readonly seen: readonly Seen[];
  /** `isNew`: the row takes the place of none, even if there was one. */
  readonly writes: readonly {
    readonly table: TableName;
    readonly key: string;
    readonly row?: unknown;
    readonly isNew?: boolean;
  }[];
}

/** Reads on behalf of a command, and remembers what. Asked again it answers the same, whatever has come in since. */
class Witness implements Reader {
  readonly #base: Reader;
  readonly #answers = new Map<string, unknown>();
  readonly seen: Seen[] = [];

  constructor(base: Reader) {
    this.#base = base;
  }

  get<T extends TableName>(table: T, key: string): Rows[T] | undefined {
    return this.#once(`get\u0001${table}\u0001${key}`, () => {
      const row = this.#base.get(table, key);
      this.seen.push({ of: 'get', table, key, index: row?.modifyIndex ?? 0 });
      return row;
    });
  }

  list<T extends TableName>(table: T, index: IndexName<T>, value: string): Rows[T][] {
    return this.#rows('list', table, index, value, () => this.#base.list(table, index, value));
  }

  all<T extends TableName>(table: T): Rows[T][] {
    return this.#rows('all', table, '', '', () => this.#base.all(table));
  }

  prefix<T extends TableName>(table: T, prefix: string): Rows[T][] {
    return this.#rows('prefix', table, '', prefix, () => this.#base.prefix(table, prefix));
  }

  #rows<T extends TableName>(
    of: 'list' | 'prefix' | 'all',
    table: T,
    name: string,
    value: string,
    read: () => Rows[T][],
  ): Rows[T][] {
    return this.#once(`${of}\u0001${table}\u0001${name}\u0001${value}`, () => {
      const rows = read();
      this.seen.push({ of, table, name, value, digest: digestOf(table, rows) });
      return rows;
    });
  }

  #once<Answer>(what: string, read: () => Answer): Answer {
    if (!this.#answers.has(what)) this.#answers.set(what, read());
    return this.#answers.get(what) as Answer;
  }
}

function digestOf(table: TableName, rows: readonly AnyRow[]): string {
  const key = shapeOf(table).key as (row: AnyRow) => string;
  const hash = createHash('sha1');
  for (const row of rows) hash.update(`${key(row)}\u0000${row.modifyIndex}\n`);
  return hash.digest('base64');
}

export interface Prepared<Answer> {
  readonly proposal: Proposal;
  /** What the command answers, once it is known at which index it was committed. */
  answerAt(index: number): Answer;
}

/**
 * Runs a command over a replica at `index`. What it throws is its answer too: whether it was right depends on what
 * it read.
 */
export function prepare<Answer>(
  command: Command<Answer>,
  replica: Reader,
  index: number,
  now: number,
): Prepared<Answer> {
  const witness = new Witness(replica);
  const tx = new Transaction(witness, index + 1, now);
  let answer: Answer;
  try {
    answer = command(tx);
  } catch (error) {
    const proposal = { seen: witness.seen, writes: [] };
    return {
      proposal,
      answerAt() {
        throw error;
      },
    };
  }
  const writes = tx
    .writes()
    .map(({ table, key, row }) =>
      row === undefined
        ? { table, key }
        : { table, key, row: withoutIndexes(row), ...(row.createIndex === tx.index ? { isNew: true } : {}) },
    );
  return {
    proposal: { seen: witness.seen, writes },
    answerAt: (at) =>
      at === tx.index || writes.length === 0 ? answer : command(new Transaction(witness, at, now)),
  };
}

/** Thrown by the command of a proposal that no longer holds. */
export class Outdated extends MusterError {
  constructor() {
    super('request.rejected', 'what was read has changed since');
  }
}

/** The command that carries a proposal out where the truth is. */
export function commandOf({ seen, writes }: Proposal): Command<void> {
  for (const { table } of [...seen, ...writes])
    if (!Object.hasOwn(TABLES, table))
      throw new MusterError('request.rejected', `no node knows the table "${table}" here`);
  return (tx) => {
    for (const one of seen) if (!holds(tx, one)) throw new Outdated();
    for (const { table, key, row, isNew } of writes) {
      if (row === undefined || isNew) tx.delete(table, key);
      if (row === undefined) continue;
      if (shapeOf(table).key(row as never) !== key)
        throw new MusterError('request.rejected', 'a row under another key');
      tx.put(table, row as never);
    }
  };
}

function holds(tx: Transaction, seen: Seen): boolean {
  if (seen.of === 'get') return (tx.get(seen.table, seen.key)?.modifyIndex ?? 0) === seen.index;
  const { table, name, value, digest } = seen;
  if (seen.of === 'list' && !Object.hasOwn(shapeOf(table).indexes, name)) return false;
  const rows =
    seen.of === 'all'
      ? tx.all(table)
      : seen.of === 'prefix'
        ? tx.prefix(table, value)
        : tx.list(table, name as never, value);
  return digestOf(table, rows) === digest;
}
