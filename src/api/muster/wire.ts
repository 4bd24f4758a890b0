/**
 * What the dashboard is told all the time: the picture, and the event stream that keeps it up to date. Types and constants only, so
 * that the browser's side can import them. Times are milliseconds since the epoch, durations milliseconds, rates per second.
 */

import type { Lag, LinkKind } from '../../cluster/outlook.ts';

/** How an instance stands, worst first. Only `passing` instances get traffic. */
export const STATES = ['maintenance', 'critical', 'ejected', 'draining', 'warning', 'passing'] as const;
export type State = (typeof STATES)[number];

export interface CheckView {
  readonly id: string;
  readonly name: string;
  readonly status: 'passing' | 'warning' | 'critical';
  /** "http", "tcp", "ttl", … or "" for a check written from outside. */
  readonly type: string;
  /** A check of the node bears on all its instances. */
  readonly ofNode: boolean;
  /** In the stream only while the check does not pass, cut to `MAX_OUTPUT` characters. */
  readonly output: string;
}

export interface InstanceView {
  readonly key: string;
  readonly service: string;
  readonly id: string;
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  /** Configured share of traffic relative to its peers. */
  readonly weight: number;
  readonly state: State;
  /** Since when it is so; null when it was already so when this agent started. */
  readonly since: number | null;
  /** Why it gets no traffic, in one sentence; "" while it passes. */
  readonly reason: string;
  /** When an ejected instance is tried again. */
  readonly probeAt: number | null;
  readonly checks: readonly CheckView[];
}

export interface ServiceView {
  readonly key: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly instances: number;
  /** How many instances are in each state; states without any are left out. */
  readonly states: Readonly<Partial<Record<State, number>>>;
  /** When an instance joined, left or changed its state; null when nothing did since the start. */
  readonly changedAt: number | null;
}

export interface RouteTargetView {
  readonly address: string;
  /** ID of the service instance, "" when the target is not from the catalog. */
  readonly instance: string;
  readonly weight: number;
  /** Share of the route's requests that it is meant to get, 0 to 1. */
  readonly share: number;
}

export interface RouteView {
  readonly key: string;
  /** Address that requests come in by, e.g. ":9999". */
  readonly listener: string;
  /** "" for any host. */
  readonly host: string;
  readonly path: string;
  readonly service: string;
  readonly strategy: string;
  /** Other options of the route, as written ("strip": "/api"). */
  readonly options: Readonly<Record<string, string>>;
  /** What is unusual about it at the moment, in a sentence; "" for nothing. */
  readonly note?: string;
  readonly targets: readonly RouteTargetView[];
}

/** Live figures of one scope, see `trafficKey`. */
export interface TrafficView {
  readonly key: string;
  readonly requests: number;
  readonly errors: number;
  readonly inFlight: number;
  /** Milliseconds; null while nothing was measured. */
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface ProblemView {
  readonly key: string;
  /** Where it is: "tag of hello-3 (hello-server)". */
  readonly place: string;
  readonly message: string;
}

export type ChangeKind = 'joined' | 'left' | 'state' | 'route' | 'node' | 'key';

/** One line of "what changed", in words. */
export interface ChangeLine {
  /** Counts up by one; the position in the list of all changes since the start. */
  readonly seq: number;
  readonly at: number;
  readonly kind: ChangeKind;
  readonly text: string;
  /** Why, when it is known: the reason of the instance it is about. */
  readonly reason: string;
  /** What to link to; "" when it concerns no service. */
  readonly service: string;
  /** Instances concerned, at most `MAX_CHANGE_INSTANCES` keys. */
  readonly instances: readonly string[];
  /** The new state, when that is what changed. */
  readonly state: State | null;
}

/** Figures of one second (overall) or one step (`TARGET_STEP`) of an instance. */
export interface HistoryPoint {
  readonly at: number;
  readonly requests: number;
  readonly errors: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Which agent this is and where its doors are, so that examples can be copied as they stand. */
export interface About {
  readonly node: string;
  readonly datacenter: string;
  readonly version: string;
  readonly startedAt: number;
  /** host:port of the HTTP API. */
  readonly api: string;
  /** host:port of DNS, "" when it is off. */
  readonly dns: string;
  /** host:port of each listener of the balancer. */
  readonly balancer: readonly string[];
  /** How the balancer's traffic is carried: "uring, 2 workers (io_uring works here)"; "" without a balancer. */
  readonly carriage: string;
  /** Domain of DNS answers, "consul" unless configured. */
  readonly domain: string;
  /** Whether access is controlled. */
  readonly acl: boolean;
}

/** What a node has to do with another one. */
export interface LinkView {
  /** Name of the node at the other end; "" when there is none. */
  readonly to: string;
  /** `feed`: it follows that server; `calls`: servers in touch with each other; `peer`: what their etcds say to each other. */
  readonly kind: LinkKind;
  /** "lines over TLS 1.3" */
  readonly transport: string;
  readonly isUp: boolean;
  /** Since when it is up, or down. */
  readonly since: number | null;
  /** Why it is down, as far as that is known. */
  readonly trouble: string;
}

/** A node of the cluster, as those who can be asked know it. */
export interface MemberView {
  readonly key: string;
  readonly name: string;
  readonly role: 'server' | 'agent';
  readonly isLeader: boolean;
  /** It counts towards a majority. */
  readonly isVoter: boolean;
  readonly state: 'alive' | 'silent' | 'left';
  /** Since when it is so; null when that is not known. */
  readonly since: number | null;
  /** host:port of a server's links, host of an agent. */
  readonly address: string;
  readonly zone: string;
  /** Of its program; "" when nobody knows. */
  readonly version: string;
  /** Index of its catalog as it last said. In the stream null while it is in step: then it is that of the cluster. */
  readonly revision: number | null;
  /** How far it is behind the newest catalog; null when nobody knows. In the stream less than `IN_STEP` is none. */
  readonly lag: Lag | null;
  readonly links: readonly LinkView[];
  /** Of the node itself, besides the one that says whether its agent is there. */
  readonly checks: readonly CheckView[];
}

/** The cluster as a whole. There is one item, or none while nobody has looked. */
export interface ClusterView {
  readonly key: 'cluster';
  /** `alone`: this agent keeps the catalog by itself; `etcd`: one elsewhere does. */
  readonly kind: 'alone' | 'etcd' | 'servers';
  /** The newest index that is known of. */
  readonly revision: number;
  /** Whether those who keep the catalog are heard here, and can write. */
  readonly isHeard: boolean;
  /** Since when they are not. */
  readonly silentSince: number | null;
}

/** Milliseconds up to which a catalog counts as in step: a commit is on its way for about so long. */
export const IN_STEP = 100;

/** The collections of the picture; every item has a `key`. */
export interface Collections {
  services: ServiceView;
  instances: InstanceView;
  routes: RouteView;
  traffic: TrafficView;
  problems: ProblemView;
  cluster: ClusterView;
  members: MemberView;
}
export type CollectionName = keyof Collections;
export const COLLECTIONS = [
  'services',
  'instances',
  'routes',
  'traffic',
  'problems',
  'cluster',
  'members',
] as const;

/**
 * What the stream does not carry, but tells of: when one of these changed, answers about it are worth asking for again.
 * `history`: changes of nodes, services and checks; `access`: tokens, policies and roles.
 */
export const SUBJECTS = [
  'keys',
  'sessions',
  'access',
  'history',
  'events',
  'groups',
  'connections',
  'latency',
] as const;
export type Subject = (typeof SUBJECTS)[number];

/** First event of a stream, and again after a stream could not keep up. */
export type Snapshot = { readonly [C in CollectionName]: readonly Collections[C][] } & {
  readonly at: number;
  readonly about: About;
  readonly changes: readonly ChangeLine[];
  readonly history: readonly HistoryPoint[];
};

/** Every later event: only what changed. */
export interface Delta {
  readonly at: number;
  readonly set?: { readonly [C in CollectionName]?: readonly Collections[C][] };
  readonly gone?: { readonly [C in CollectionName]?: readonly string[] };
  /** To be added at the end. */
  readonly changes?: readonly ChangeLine[];
  readonly history?: readonly HistoryPoint[];
  /** What changed besides. */
  readonly news?: readonly Subject[];
}

/** Lines of "what changed" that are kept. */
export const MAX_CHANGES = 200;
/** Five minutes of seconds. */
export const MAX_HISTORY = 300;
/** Characters of a check's output in the stream: a page of text, a stack trace's beginning. */
export const MAX_OUTPUT = 2000;
export const MAX_CHANGE_INSTANCES = 20;
/** Milliseconds between two points of an instance's history: 60 points are five minutes. */
export const TARGET_STEP = 5000;
export const MAX_TARGET_HISTORY = 60;

/** Keys of the `traffic` collection. */
export const trafficKey = {
  overall: 'overall',
  route: (route: string) => `route ${route}`,
  service: (service: string) => `service ${service.toLowerCase()}`,
  /** `address` is host:port. */
  target: (service: string, address: string) => `target ${service.toLowerCase()} ${address}`,
} as const;

/** Whether an instance in this state gets no traffic. */
export const isOut = (state: State): boolean => state !== 'passing';

export type { Lag, LinkKind } from '../../cluster/outlook.ts';
