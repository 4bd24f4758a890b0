import type { EtcdStore } from '../store/etcd/store.ts';
import type { Book } from './book.ts';
import type { Cluster } from './cluster.ts';
import type { EtcdProcess } from './etcd-process.ts';
import type { Feed } from './feed.ts';
import type { Founding } from './founding.ts';
import type { Gossip } from './gossip.ts';
import type { Leadership } from './leadership.ts';
import type { Presence } from './liveness.ts';
import type { MembershipFile } from './membership.ts';
import type { PeerLines } from './peer-lines.ts';
import type { Roster } from './roster.ts';
import type { ServerOptions } from './server.ts';
import type { ServerEvents } from './server-events.ts';
import type { SessionExpiry } from './session-expiry.ts';

/** What a server consists of, for those who answer on its behalf. */
export interface ServerParts {
  readonly options: ServerOptions;
  readonly book: Book;
  readonly file: MembershipFile;
  readonly presence: Presence;
  readonly etcd: EtcdProcess;
  readonly gossip: Gossip;
  readonly founding: Founding;
  readonly cluster: Cluster;
  /** Undefined until the store is open; so are the following. */
  readonly roster: Roster | undefined;
  readonly feed: Feed | undefined;
  readonly lines: PeerLines | undefined;
  readonly store: EtcdStore;
  readonly sessions: SessionExpiry;
  readonly leadership: Leadership;
  readonly events: ServerEvents;
  isLeaving: boolean;
  readonly isStopping: boolean;
  /** Sees to it that there are lines to the servers of the cluster, after they changed. */
  lead(): void;
}

/** Who leads, from what it said of itself. */
export function leaderOf(signal: string | undefined): { id: string; address: string } | undefined {
  return signal === undefined ? undefined : (JSON.parse(signal) as { id: string; address: string });
}
