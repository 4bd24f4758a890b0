import type { Rows, TableName } from '../../catalog/rows.ts';
import { shapeOf, TABLES } from '../../catalog/tables.ts';
import type { Write } from '../../catalog/transaction.ts';
import { fromText, toText } from '../row-text.ts';
import type { KeyRange } from './messages.ts';

/** The commit that the rows stand at. Every commit compares and replaces it, which puts all commits in one order. */
export interface Head {
  /** Index after the commit. */
  readonly index: number;
  /** Index before it: a reader that has another one missed something. */
  readonly base: number;
  /** Names this attempt to commit. */
  readonly nonce: string;
  /**
   * The commit is too large for one transaction of etcd: its writes lie in so many pieces and not in the rows yet.
   */
  readonly pieces?: number;
}

export const NO_HEAD: Head = { index: 0, base: 0, nonce: '' };

/** Where what lies in etcd, all below one prefix. */
export class Layout {
  readonly all: KeyRange;
  readonly head: string;
  readonly rows: KeyRange;
  readonly pieces: KeyRange;
  /** What is told rather than kept, see `signals.ts`. */
  readonly signals: string;

  constructor(prefix: string) {
    const under = (name: string) => ({ key: `${prefix}/${name}/`, end: `${prefix}/${name}0` });
    this.all = { key: `${prefix}/`, end: `${prefix}0` };
    this.head = `${prefix}/head`;
    this.rows = under('rows');
    this.pieces = under('pieces');
    this.signals = `${prefix}/signals/`;
  }

  row(table: TableName, key: string): string {
    return `${this.rows.key}${table}/${key}`;
  }

  /** Pieces of one commit stand together, in their order. */
  piecesOf(nonce: string): KeyRange {
    return { key: `${this.pieces.key}${nonce}/`, end: `${this.pieces.key}${nonce}0` };
  }

  piece(nonce: string, number: number): string {
    return `${this.piecesOf(nonce).key}${String(number).padStart(8, '0')}`;
  }

  /**
   * The row that a key stands for; undefined for a key that is none, or of a table that this program does not
   * know.
   */
  rowOf(key: Buffer): { table: TableName; key: string } | undefined {
    const text = key.toString();
    if (!text.startsWith(this.rows.key)) return undefined;
    const slash = text.indexOf('/', this.rows.key.length);
    const table = text.slice(this.rows.key.length, slash);
    return Object.hasOwn(TABLES, table)
      ? { table: table as TableName, key: text.slice(slash + 1) }
      : undefined;
  }
}

export function encodeWrites(writes: readonly Write[]): string {
  return toText(writes.map(({ table, key, row }) => (row === undefined ? [table, key] : [table, '', row])));
}

/** Writes as `encodeWrites` puts them, read from its text. */
export type EncodedWrites = readonly [TableName, string, Rows[TableName]?][];

export function decodeWrites(text: string): Write[] {
  return writesOf(fromText<EncodedWrites>(text));
}

/** Of a table that this program does not know nothing is taken. */
export function writesOf(list: EncodedWrites): Write[] {
  return list
    .filter(([table]) => Object.hasOwn(TABLES, table))
    .map(([table, key, row]) =>
      row === undefined
        ? ({ table, key, row } as Write)
        : ({ table, key: shapeOf(table).key(row), row } as Write),
    );
}
