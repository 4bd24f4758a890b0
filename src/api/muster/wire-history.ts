/** What `/v1/muster/history*` answers: shapes only, as in `wire.ts`. */

/** A point in the life of the catalog. `time` as in RFC 3339. */
export interface HistoryMoment {
  index: number;
  time: string;
}

/** One change of the history. `before` and `after` are Consul's JSON of the row; null where there was none. */
export interface PastChange extends HistoryMoment {
  what: 'node' | 'service' | 'check';
  change: 'added' | 'changed' | 'removed';
  node: string;
  /** Of the service instance or the check; "" for a node. */
  id: string;
  /** "" for a node and for its own checks. */
  service: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

/** Answer of `/v1/muster/history`. `more`: there were older ones between the two moments. */
export interface PastChanges {
  oldest: HistoryMoment;
  newest: HistoryMoment;
  changes: PastChange[];
  more: boolean;
}

/** A value that a key had. `time` in RFC 3339, null: before the agent began. `value` in base64, null: it was deleted. */
export interface KeyVersion {
  index: number;
  time: string | null;
  value: string | null;
}

/** Answer of `/v1/muster/history/key`, newest first. */
export interface KeyVersions {
  key: string;
  versions: KeyVersion[];
}

/** Answer of `/v1/muster/history?at=`: Consul's JSON of the rows. */
export interface PastCatalog extends HistoryMoment {
  nodes: Record<string, unknown>[];
  services: Record<string, unknown>[];
  checks: Record<string, unknown>[];
}
