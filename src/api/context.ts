import type { Acl } from '../acl/acl.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { History } from '../catalog/history.ts';
import type { KeyHistory } from '../catalog/key-history.ts';
import type { Cluster, ClusterKeys } from '../cluster/cluster.ts';
import type { EventLog } from '../cluster/event-log.ts';
import type { SessionExpiry } from '../cluster/session-expiry.ts';
import type { GroupControl } from '../group/view.ts';
import type { Clock } from '../lib/clock.ts';
import type { AddressRange } from '../lib/ip.ts';
import type { Logger } from '../lib/log.ts';
import type { Family } from '../lib/metrics.ts';
import type { Store } from '../store/store.ts';
import type { AgentControl } from './agent/context.ts';
import type { ApiCounts } from './counts.ts';
import type { Dashboard } from './muster/dashboard.ts';
import type { ConnectionsView } from './muster/wire-answers.ts';

/** Who this node is. */
export interface NodeIdentity {
  /** UUID. */
  readonly id: string;
  readonly name: string;
  readonly datacenter: string;
  /** Where other nodes reach this one. */
  readonly advertiseAddress: string;
  readonly version: string;
  readonly ports: {
    readonly http: number;
    readonly dns: number;
    /** Between servers; the leader's address has it. */
    readonly server: number;
    readonly serfLan: number;
  };
}

/** What the configuration says about the HTTP API. */
export interface ApiSettings {
  /** Indent every JSON answer, as Consul does with `-dev`; otherwise only with `?pretty`. */
  readonly prettyJson: boolean;
  /** Bytes of a value in the key/value store. */
  readonly kvMaxValueSize: number;
  /** Bytes of the body of a transaction. */
  readonly txnMaxSize: number;
  /** Added to every answer. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** Path prefixes that are answered 403. */
  readonly blockEndpoints: readonly string[];
  /** Honour `?cached`. */
  readonly useCache: boolean;
  /** Shortest TTL of a session in ms. */
  readonly sessionTtlMin: number;
  /** How long a read blocks in ms when the client names no time, and the longest it may name. */
  readonly defaultWait: number;
  readonly maxWait: number;
  /** From where writes are taken; from anywhere when there are none. */
  readonly writersFrom: readonly AddressRange[];
}

export const DEFAULT_API_SETTINGS: ApiSettings = {
  prettyJson: false,
  // Consul's limits: values are meant to be small, every one is kept in memory and replicated.
  kvMaxValueSize: 512 * 1024,
  txnMaxSize: 512 * 1024,
  responseHeaders: {},
  blockEndpoints: [],
  useCache: true,
  sessionTtlMin: 10_000,
  // Consul's.
  defaultWait: 300_000,
  maxWait: 600_000,
  writersFrom: [],
};

/** What handlers may use. One per server; nothing in it belongs to a single request. */
export interface ApiContext {
  readonly store: Store;
  /** The same as `store.catalog`. */
  readonly catalog: Catalog;
  readonly node: NodeIdentity;
  /** Access control; without it everything is allowed to everybody. */
  readonly acl?: Acl;
  /** Ends sessions whose TTL ran out; renewing goes through it. */
  readonly sessions: Pick<SessionExpiry, 'renew'>;
  /** Custom events that reached this node. */
  readonly events: EventLog;
  /** When this server started, ms since the epoch. */
  readonly startedAt: number;
  readonly settings: ApiSettings;
  readonly clock: Clock;
  /** In [0, 1): jitter, IDs of no secrecy. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Behind `/v1/muster/*`; without it those answer 404. */
  readonly dashboard?: Dashboard;
  /** Behind `/v1/muster/history`; without it that answers 404. */
  readonly history?: History;
  /** Behind `/v1/muster/history/key`. */
  readonly keyHistory?: KeyHistory;
  /** Groups that this agent runs; behind `/v1/muster/groups`. */
  readonly groups?: () => readonly GroupControl[];
  /** Of an agent that is not alone. */
  readonly cluster?: Cluster;
  /** Keys of an agent that has some and no cluster; of one that has neither: undefined. */
  readonly keys?: ClusterKeys;
  /** What instances of TCP and UDP services hold; behind `/v1/muster/connections`. */
  readonly connections?: () => readonly ConnectionsView[];
  /** Requests by family; nothing is counted without it. */
  readonly counts?: ApiCounts;
  /** Every figure there is; behind `/metrics`. */
  readonly metrics?: () => Family[];
  /** Behind `/v1/agent/*`; a process that is no agent answers those 503. */
  readonly agent?: AgentControl;
}
