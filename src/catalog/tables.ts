import { createHash } from 'node:crypto';
import type { Rows, Service, TableName } from './rows.ts';

/** Joins the parts of a composite key; the byte cannot stand in a name. */
const SEPARATOR = '\u0000';

/** Names of nodes and services are compared without regard to case, as in Consul. */
export const fold = (name: string): string => name.toLowerCase();

export const nodeKey = (name: string): string => fold(name);
export const serviceKey = (node: string, id: string): string => `${fold(node)}${SEPARATOR}${id}`;
export const checkKey = serviceKey;
export const configKey = (kind: string, name: string): string => `${kind}${SEPARATOR}${name}`;

/**
 * Under which secrets are looked up: how long it takes to compare digests says nothing about the secret that was
 * sent.
 */
export const secretDigest = (secret: string): string => createHash('sha256').update(secret).digest('base64');

/** Where a table keeps its rows and by what they can be found. An index yields the values of one row. */
interface TableShape<Row> {
  key(row: Row): string;
  indexes: Record<string, (row: Row) => readonly string[]>;
}

const NONE: readonly string[] = [];

/** Services whose mesh traffic an instance takes: a proxy that of its destination, one that speaks the mesh itself its own. */
function inMesh({ kind, name, mesh }: Service): readonly string[] {
  if (mesh === undefined) return NONE;
  const { DestinationServiceName: destination } = mesh.proxy;
  const isProxy = kind === 'connect-proxy' && typeof destination === 'string';
  return [...(isProxy ? [fold(destination)] : []), ...(mesh.connect.Native === true ? [fold(name)] : [])];
}

export const TABLES = {
  nodes: {
    key: (row) => nodeKey(row.name),
    indexes: { id: (row) => (row.id === '' ? [] : [row.id]), address: (row) => [row.address] },
  },
  services: {
    key: (row) => serviceKey(row.node, row.id),
    indexes: { name: (row) => [fold(row.name)], node: (row) => [fold(row.node)], mesh: inMesh },
  },
  checks: {
    key: (row) => checkKey(row.node, row.id),
    indexes: {
      node: (row) => [fold(row.node)],
      /** Checks of the node itself have the service ID "". */
      instance: (row) => [serviceKey(row.node, row.serviceId)],
      service: (row) => (row.serviceId === '' ? [] : [fold(row.serviceName)]),
      status: (row) => [row.status],
    },
  },
  kv: {
    key: (row) => row.key,
    indexes: { session: (row) => (row.session === '' ? [] : [row.session]) },
  },
  tombstones: { key: (row) => row.key, indexes: {} },
  sessions: {
    key: (row) => row.id,
    indexes: {
      node: (row) => [fold(row.node)],
      /** Node and check ID, for both kinds of checks. */
      check: (row) =>
        [...row.nodeChecks, ...row.checks, ...row.serviceChecks.map(({ id }) => id)].map((id) =>
          checkKey(row.node, id),
        ),
    },
  },
  lockDelays: { key: (row) => row.key, indexes: {} },
  coordinates: {
    key: (row) => serviceKey(row.node, row.segment),
    indexes: { node: (row) => [fold(row.node)] },
  },
  settings: { key: (row) => row.name, indexes: {} },
  configEntries: {
    key: (row) => configKey(row.kind, row.name),
    indexes: { kind: (row) => [row.kind] },
  },
  aclTokens: {
    /** It is shown as it was given, and found in any case. */
    key: (row) => row.accessorId.toLowerCase(),
    indexes: { secret: (row) => [secretDigest(row.secretId)] },
  },
  aclPolicies: { key: (row) => row.id, indexes: { name: (row) => [fold(row.name)] } },
  aclRoles: { key: (row) => row.id, indexes: { name: (row) => [fold(row.name)] } },
  queries: {
    key: (row) => row.id,
    indexes: {
      name: (row) => (row.name === '' ? [] : [fold(row.name)]),
      /** The prefix that a template answers to, which may be "". */
      template: (row) => (row.template.type === '' ? [] : [fold(row.name)]),
      session: (row) => (row.session === '' ? [] : [fold(row.session)]),
    },
  },
} as const satisfies { [T in TableName]: TableShape<Rows[T]> };

export const TABLE_NAMES = Object.keys(TABLES) as TableName[];

export type IndexName<T extends TableName> = keyof (typeof TABLES)[T]['indexes'] & string;

export function shapeOf<T extends TableName>(table: T): TableShape<Rows[T]> {
  return TABLES[table] as unknown as TableShape<Rows[T]>;
}

/** What both the tables and a transaction over them can be asked. Lists come in the order of their keys. */
export interface Reader {
  get<T extends TableName>(table: T, key: string): Rows[T] | undefined;
  list<T extends TableName>(table: T, index: IndexName<T>, value: string): Rows[T][];
  all<T extends TableName>(table: T): Rows[T][];
  /** Rows whose key starts with `prefix`. */
  prefix<T extends TableName>(table: T, prefix: string): Rows[T][];
}
