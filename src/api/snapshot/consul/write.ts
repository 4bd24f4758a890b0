import type { Catalog } from '../../../catalog/catalog.ts';
import { isUnchanged } from '../../../catalog/commands/equal.ts';
import type { Indexed, Node, Rows, TableName } from '../../../catalog/rows.ts';
import { fold, shapeOf, TABLE_NAMES } from '../../../catalog/tables.ts';
import { MsgpackError, MsgpackReader } from '../../../lib/msgpack.ts';
import { MsgpackWriter, type Packable, pack } from '../../../lib/msgpack-write.ts';
import { aclPolicyRecord, aclRoleRecord, aclTokenRecord } from './acl.ts';
import { configEntryRecord } from './config-entry.ts';
import { coordinatesRecord } from './coordinates.ts';
import { FieldError } from './fields.ts';
import { Gathered } from './gathered.ts';
import { KINDS } from './kinds.ts';
import { kvRecord, tombstoneRecord } from './kv.ts';
import { settingRecord } from './operator.ts';
import { OWN_ROW, ownRowRecord } from './own-row.ts';
import { preparedQueryRecord } from './prepared-query.ts';
import { checkOfRecord, nodeRecord, serviceOfRecord } from './register.ts';
import { sessionRecord } from './session.ts';

type Encoded = readonly [kind: number, value: Packable];

/** The record of a row; undefined when Consul has none for it. */
type RecordOf<T extends TableName> = (row: Rows[T], nodes: ReadonlyMap<string, Node>) => Encoded | undefined;

/** In the order in which Consul writes them, and needs them: what hangs on a row stands behind it. */
const RECORDS: { readonly [T in TableName]: RecordOf<T> } = {
  nodes: (row) => [0, nodeRecord(row)],
  services: (row, nodes) => onNode(row, nodes, { Service: serviceOfRecord(row) }),
  checks: (row, nodes) => onNode(row, nodes, { Check: checkOfRecord(row) }),
  coordinates: (row) => [6, coordinatesRecord(row)],
  sessions: (row) => [3, sessionRecord(row)],
  aclTokens: (row) => [17, aclTokenRecord(row)],
  aclPolicies: (row) => [19, aclPolicyRecord(row)],
  aclRoles: (row) => [23, aclRoleRecord(row)],
  kv: (row) => [2, kvRecord(row)],
  tombstones: (row) => [5, tombstoneRecord(row)],
  queries: (row) => [7, preparedQueryRecord(row)],
  configEntries: (row) => [22, configEntryRecord(row)],
  settings: settingRecord,
  lockDelays: () => undefined,
};

/** The rows at one index. They never change, so that they can be written one after the other. */
export interface CatalogState {
  readonly index: number;
  readonly tables: { readonly [T in TableName]: readonly Rows[T][] };
}

/** What the catalog holds now. */
export function stateOf(catalog: Catalog): CatalogState {
  const tables = Object.fromEntries(TABLE_NAMES.map((table) => [table, catalog.unordered(table)]));
  return { index: catalog.index, tables: tables as unknown as CatalogState['tables'] };
}

/** A slice is done after as many rows or as many bytes: some 2 ms. */
export const SLICE = { rows: 64, bytes: 64 * 1024 };

/**
 * The state of Consul's machine, which `consul snapshot inspect` reads and a Consul can restore, in slices with which others may have
 * their turn in between. A row of which its record does not say all stands there once more as it is.
 */
export function* encodeState({ index, tables }: CatalogState, slice = SLICE): Generator<Buffer> {
  const state = new MsgpackWriter();
  state.put({ LastIndex: index });
  /** Behind all others: the row of a node stands in the records of its services too. */
  const own: (readonly [table: TableName, row: Rows[TableName]])[] = [];
  const nodes = new Map<string, Node>();
  let rows = 0;
  const isFull = () => ++rows % slice.rows === 0 || state.size >= slice.bytes;
  function* addAll<T extends TableName>(table: T) {
    for (const row of tables[table]) {
      if (table === 'nodes') nodes.set(fold((row as Node).name), row as Node);
      const encoded = RECORDS[table](row, nodes);
      const read = encoded === undefined ? 'nothing' : readBack(table, row, encoded);
      if (encoded !== undefined && read !== 'nothing') {
        state.byte(encoded[0]);
        state.put(encoded[1]);
      }
      if (read !== 'it') own.push([table, row]);
      if (isFull()) yield state.take();
    }
  }
  for (const table of Object.keys(RECORDS) as TableName[]) yield* addAll(table);
  for (const [number, [table, row]] of own.entries()) {
    state.byte(OWN_ROW);
    state.put(ownRowRecord(table, row, number));
    if (isFull()) yield state.take();
  }
  yield state.take();
}

/** Of a node that is not there, which no command leaves behind, there is no record. */
function onNode(
  { node }: { readonly node: string },
  nodes: ReadonlyMap<string, Node>,
  more: Record<string, Packable>,
): Encoded | undefined {
  const known = nodes.get(fold(node));
  return known && [0, { ...nodeRecord(known), ...more }];
}

/** What is made of a record: the row, one with its key that is not quite it, or nothing that would be known as it. */
function readBack<T extends TableName>(
  table: T,
  row: Rows[T],
  [kind, value]: Encoded,
): 'it' | 'another' | 'nothing' {
  const key = shapeOf(table).key(row);
  if (!isText(key)) return 'nothing';
  if (isPlain(table, row)) return 'it';
  const read = new Gathered(0, true);
  try {
    KINDS.get(kind)?.take(new MsgpackReader(pack(value)).read(), read);
  } catch (error) {
    // Deeper or larger than what is read of a record: it is kept as a row of ours.
    if (error instanceof FieldError || error instanceof MsgpackError) return 'nothing';
    throw error;
  }
  const made = read.get(table, key) as Indexed | undefined;
  if (made === undefined) return 'nothing';
  return isUnchanged(made, row as never) ? 'it' : 'another';
}

/** Rows of which there may be very many, and whose records say all by the way they are made: to read them again would take longer than all else. */
function isPlain(table: TableName, row: object): boolean {
  return table === 'kv' || table === 'checks' || (table === 'services' && !('mesh' in row));
}

const SURROGATE = /[\ud800-\udfff]/;

/** Half a character has no bytes of its own in UTF-8. */
function isText(text: string): boolean {
  return !SURROGATE.test(text) || Buffer.from(text).toString() === text;
}
