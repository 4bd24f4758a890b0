/** Rows of the catalog's tables. Rows are immutable: a change puts a new row in the place of the old. */

/** Raft-style positions: the commit that made the row and the last that changed it. */
export interface Indexed {
  readonly createIndex: number;
  readonly modifyIndex: number;
}

/** ID of the check that says whether the agent of a node is alive: Consul's. */
export const MEMBER_CHECK = 'serfHealth';
/** What it says: Consul's words. */
export const ALIVE_OUTPUT = 'Agent alive and reachable';
export const SILENT_OUTPUT = 'Agent not live or unreachable';
/** ID and name of the service that stands for the servers themselves: Consul's. */
export const SERVER_SERVICE = 'consul';

export type CheckStatus = 'passing' | 'warning' | 'critical';

export type StringMap = Readonly<Record<string, string>>;

export interface Node extends Indexed {
  /** UUID, or "" for a node registered from outside without one. */
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly datacenter: string;
  readonly taggedAddresses: StringMap | null;
  readonly meta: StringMap | null;
}

export interface ServiceAddress {
  readonly address: string;
  readonly port: number;
}

export interface Weights {
  /** Share of traffic while passing, 1 to 65535. */
  readonly passing: number;
  /** Share of traffic while a check warns, 0 to 65535. */
  readonly warning: number;
}

/** What a service says of a mesh, as it was registered: kept, found and shown; nothing here acts on it. */
export interface Mesh {
  readonly proxy: Readonly<Record<string, unknown>>;
  readonly connect: Readonly<Record<string, unknown>>;
}

export interface Service extends Indexed {
  /** Name of the node, as the node's row spells it. */
  readonly node: string;
  /** Unique on its node. */
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly tags: readonly string[];
  readonly address: string;
  readonly taggedAddresses: Readonly<Record<string, ServiceAddress>> | null;
  readonly meta: StringMap | null;
  readonly port: number;
  readonly socketPath: string;
  readonly weights: Weights;
  readonly enableTagOverride: boolean;
  /** Only there when it says something. */
  readonly mesh?: Mesh;
}

/** How a check is carried out, as registered; kept so that it can be shown. Durations in ms. */
export interface CheckDefinition {
  readonly http?: string;
  readonly method?: string;
  readonly header?: Readonly<Record<string, readonly string[]>>;
  readonly body?: string;
  readonly tlsServerName?: string;
  readonly tlsSkipVerify?: boolean;
  readonly tcp?: string;
  readonly interval?: number;
  readonly timeout?: number;
  readonly deregisterCriticalServiceAfter?: number;
}

export interface Check extends Indexed {
  readonly node: string;
  /** Unique on its node. */
  readonly id: string;
  readonly name: string;
  readonly status: CheckStatus;
  readonly notes: string;
  readonly output: string;
  /** "" for a check of the node itself. */
  readonly serviceId: string;
  readonly serviceName: string;
  readonly serviceTags: readonly string[];
  /** "http", "tcp", "ttl", … or "" for a check written from outside. */
  readonly type: string;
  /** As written ("10s"), for display. */
  readonly interval: string;
  readonly timeout: string;
  readonly definition: CheckDefinition;
}

export interface KvEntry extends Indexed {
  readonly key: string;
  readonly value: Uint8Array;
  /** Unsigned 64 bit. */
  readonly flags: bigint;
  /** How often the lock was taken; a fencing token. */
  readonly lockIndex: number;
  /** Session that holds the lock, or "". */
  readonly session: string;
}

/** A deleted key: keeps the index of its prefixes from going backwards. */
export interface KvTombstone extends Indexed {
  readonly key: string;
  /** When it was deleted, ms since the epoch: old ones are reaped. */
  readonly deletedAt: number;
}

export type SessionBehavior = 'release' | 'delete';

export interface Session extends Indexed {
  readonly id: string;
  readonly name: string;
  readonly node: string;
  /** Checks of the node that end the session when critical. */
  readonly nodeChecks: readonly string[];
  /** The same from the older field of requests; answers do not show them. */
  readonly checks: readonly string[];
  readonly serviceChecks: readonly { readonly id: string; readonly namespace: string }[];
  readonly behavior: SessionBehavior;
  /** As written ("30s"), or "" for a session without one. */
  readonly ttl: string;
  /** Milliseconds. */
  readonly lockDelay: number;
}

/** A key whose lock was lost with its session: nobody may take it before `until`. */
export interface LockDelay extends Indexed {
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Which instances of a service a prepared query asks for. */
export interface QueriedService {
  readonly service: string;
  /** Other datacenters to ask when there is no instance in this one. */
  readonly failover: { readonly nearestN: number; readonly datacenters: readonly string[] | null };
  /** Leave out instances whose checks warn; critical ones are always left out. */
  readonly onlyPassing: boolean;
  /** Checks that do not count. */
  readonly ignoreCheckIds: readonly string[] | null;
  /** Node whose neighbours come first, "_agent" for the node that is asked, "_ip" for the asker's, or "". */
  readonly near: string;
  /** Tags an instance must have or, behind "!", must not have. */
  readonly tags: readonly string[] | null;
  readonly nodeMeta: StringMap | null;
  readonly serviceMeta: StringMap | null;
  /** Only instances that speak the mesh. */
  readonly connect: boolean;
}

export interface PreparedQuery extends Indexed {
  /** UUID. */
  readonly id: string;
  /** Unique without regard to case, or ""; of a template the prefix of the names it answers to. */
  readonly name: string;
  /** The query ends with this session; "" for one that stays. */
  readonly session: string;
  /** ACL token to run it with instead of the asker's, or "". */
  readonly token: string;
  readonly template: {
    /** "" for a query that is no template. */
    readonly type: string;
    readonly regexp: string;
    readonly removeEmptyTags: boolean;
  };
  readonly service: QueriedService;
  /** TTL of answers over DNS as written ("10s"), or "" for that of the service. */
  readonly dns: { readonly ttl: string };
}

/** Where a node is in the space of round-trip times (Vivaldi, as Serf has it). Distances are in seconds. */
export interface Coordinate extends Indexed {
  readonly node: string;
  /** Network segment, "" for the default one. */
  readonly segment: string;
  readonly vec: readonly number[];
  readonly error: number;
  readonly adjustment: number;
  readonly height: number;
}

/** Something that operators set and that all servers follow, by its name. */
export interface Setting extends Indexed {
  readonly name: string;
  /** Plain JSON. */
  readonly value: Readonly<Record<string, string | number | boolean>>;
}

/** Rules for services of one name, written out by Consul's scheme. */
export interface ServiceIdentity {
  readonly serviceName: string;
  /** Where they hold; everywhere when there is none. */
  readonly datacenters: readonly string[];
}

/** Rules for one node in one datacenter, written out by Consul's scheme. */
export interface NodeIdentityRule {
  readonly nodeName: string;
  readonly datacenter: string;
}

/** What tokens and roles have in common: where their rights come from. */
export interface AclGrants {
  /** IDs; those of policies that are gone count for nothing. */
  readonly policies: readonly string[];
  readonly serviceIdentities: readonly ServiceIdentity[];
  readonly nodeIdentities: readonly NodeIdentityRule[];
}

export interface AclToken extends Indexed, AclGrants {
  /** UUID by which the token is spoken of. */
  readonly accessorId: string;
  /** What clients send. Never log it. */
  readonly secretId: string;
  readonly description: string;
  /** IDs; those of roles that are gone count for nothing. */
  readonly roles: readonly string[];
  readonly local: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** From then on nobody knows it; null: never. */
  readonly expiresAt: number | null;
  /** Of tokens that the endpoints of before Consul 1.4 made, or may still show. */
  readonly legacy?: LegacyGrant;
  /** Of the content, in base64. */
  readonly hash: string;
}

/** What such a token was then. Those of "management" are linked to the policy that allows all. */
export interface LegacyGrant {
  readonly type: 'client' | 'management';
  /** In the language of then, where every name is the beginning of one. */
  readonly rules: string;
}

export interface AclPolicy extends Indexed {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** HCL or JSON, as written. */
  readonly rules: string;
  /** Where it holds; everywhere when there is none. */
  readonly datacenters: readonly string[];
  readonly hash: string;
}

export interface AclRole extends Indexed, AclGrants {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly hash: string;
}

/** What operators set for a service or for all, by kind and name; nothing here acts on it. */
export interface ConfigEntry extends Indexed {
  readonly kind: string;
  readonly name: string;
  /** The fields of the kind as they are answered, plain JSON. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** Row type by table name. */
export interface Rows {
  nodes: Node;
  services: Service;
  checks: Check;
  kv: KvEntry;
  tombstones: KvTombstone;
  sessions: Session;
  lockDelays: LockDelay;
  coordinates: Coordinate;
  queries: PreparedQuery;
  settings: Setting;
  configEntries: ConfigEntry;
  aclTokens: AclToken;
  aclPolicies: AclPolicy;
  aclRoles: AclRole;
}

export type TableName = keyof Rows;
