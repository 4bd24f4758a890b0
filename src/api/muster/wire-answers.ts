/** What `/v1/muster/*` answers besides the picture: types and constants only, with the units of `wire.ts`. */
import type { ClusterView, MemberView, State } from './wire.ts';

/** Answer of `/v1/muster/cluster`. */
export interface ClusterAnswer extends Omit<ClusterView, 'key'> {
  readonly members: readonly MemberView[];
}

/** Answers of one step by how long they took; `counts[i]` up to `HeatMap.bounds[i]`, none at all when nothing came. */
export interface HeatColumn {
  readonly at: number;
  readonly counts: readonly number[];
}

/** Answer of `/v1/muster/latency`: five minutes in steps, oldest first. */
export interface HeatMap {
  /** Milliseconds between two columns. */
  readonly step: number;
  /** Upper edges of the rows in ms, rising. */
  readonly bounds: readonly number[];
  readonly columns: readonly HeatColumn[];
}

/** Answer of `/v1/muster/dns`: what this agent's own DNS said. */
export interface Lookup {
  readonly name: string;
  readonly type: string;
  /** "NOERROR", "NXDOMAIN", … */
  readonly status: string;
  readonly authoritative: boolean;
  /** It did not fit into a packet and was asked for again over TCP. */
  readonly overTcp: boolean;
  /** Milliseconds until the answer was there. */
  readonly took: number;
  readonly answers: readonly LookupRecord[];
  readonly authority: readonly LookupRecord[];
  readonly additional: readonly LookupRecord[];
}

export interface LookupRecord {
  readonly name: string;
  readonly type: string;
  /** Seconds. */
  readonly ttl: number;
  /** As zone files write it. */
  readonly data: string;
}

/** Of `/v1/muster/sessions`: a session with the keys that it holds. */
export interface SessionView {
  readonly id: string;
  readonly name: string;
  readonly node: string;
  /** "30s"; "" for one that lasts as long as its checks pass. */
  readonly ttl: string;
  /** What becomes of its keys: "release" or "delete". */
  readonly behavior: string;
  /** Milliseconds for which its keys cannot be locked again after it ended. */
  readonly lockDelay: number;
  readonly checks: readonly string[];
  /** At most `MAX_SESSION_KEYS`. */
  readonly keys: readonly string[];
  readonly held: number;
}
export const MAX_SESSION_KEYS = 100;

/** Of `/v1/muster/events`: a custom event that reached this agent. */
export interface EventView {
  readonly id: string;
  readonly name: string;
  readonly receivedAt: number;
  /** Lamport time: later events have a higher one, whatever the clocks say. */
  readonly order: number;
  /** Base64. */
  readonly payload: string;
  /** Bytes of the payload. */
  readonly size: number;
  /** Whom it was meant for, as regular expressions: nodes, services, tags of those; "" for all. */
  readonly node: string;
  readonly service: string;
  readonly tag: string;
}

/** One step on the way of a request, for "where does this URL go". */
export interface ExplainStep {
  readonly kind: 'listener' | 'route' | 'candidate' | 'end';
  readonly title: string;
  readonly reason: string;
  /** Whether the request goes this way; false for what was looked at and turned down. */
  readonly taken: boolean;
  /** State of the candidate; null for the other kinds. */
  readonly state: State | null;
}

export interface Explanation {
  readonly url: string;
  /** Key of the route, null when none takes the request. */
  readonly route: string | null;
  readonly service: string;
  readonly steps: readonly ExplainStep[];
}

/** A TCP or UDP service with what its instances hold; of `/v1/muster/connections`. */
export interface ConnectionsView {
  readonly service: string;
  readonly protocol: 'tcp' | 'udp';
  /** host:port where clients connect to. */
  readonly address: string;
  /** Clients at present. */
  readonly active: number;
  readonly instances: readonly {
    readonly id: string;
    readonly node: string;
    /** host:port */
    readonly address: string;
    /** Why it gets no new ones; "" when it does. */
    readonly reason: string;
    /** Connections or sessions at present, since the start, and those that it did not take. */
    readonly active: number;
    readonly connections: number;
    readonly refused: number;
  }[];
}

export type { GroupTrial, TrialStep, TriedPolicy } from '../../group/trial.ts';
export type { GroupPoint, GroupView, ManagedInstance } from '../../group/view.ts';
