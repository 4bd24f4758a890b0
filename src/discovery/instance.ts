import type { StringMap } from '../catalog/rows.ts';

/** A place that a service can be reached at, wherever it was learned. */
export interface DiscoveredInstance {
  /** `node/serviceId`: unique, and the same for as long as the instance is registered. */
  readonly id: string;
  /** As registered. */
  readonly service: string;
  readonly node: string;
  readonly serviceId: string;
  /** Address of the service, or else of its node. */
  readonly host: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: StringMap | null;
  readonly datacenter: string;
  /** Share of the traffic relative to the service's other instances; 0 means none. */
  readonly weight: number;
  /** Of a lower number first, for strategies that mind it. Default: 0. */
  readonly priority?: number;
  /** Never more than so many connections at a time, in one worker; 0 or nothing: as many as there are. */
  readonly maxConnections?: number;
  /** The name, or the pattern of names, that TLS clients ask for to get here; "" or nothing: any. */
  readonly serverName?: string;
  /** Why it gets no traffic, in one sentence; "" when it gets some. */
  readonly out: string;
  /**
   * Whether that is because its checks fail, which may be the fault of the checks, or because it is known to be dead. Nothing when it
   * was taken out on purpose, or is in.
   */
  readonly doubt?: Doubt;
  /** It was taken out on purpose, and is well otherwise: what it has begun it may finish. */
  readonly drains?: true;
  /** Where it stands, as its metadata or its node's say (`zone`); nothing when they do not. */
  readonly zone?: string;
}

export type Doubt = 'failing' | 'dead';

/** The zone that metadata tell of, a service's own before its node's. */
export function zoneOf(service: StringMap | null, node: StringMap | null | undefined): { zone?: string } {
  const zone = service?.zone ?? node?.zone ?? '';
  return zone === '' ? {} : { zone };
}

/** One instance that came (no `before`), went (no `after`) or is different. */
export interface InstanceChange {
  readonly id: string;
  readonly before: DiscoveredInstance | undefined;
  readonly after: DiscoveredInstance | undefined;
}

/**
 * A source of instances that is being followed. The listener hears of everything there is at the start and of
 * every change later, all of one commit together.
 */
export interface Discovery {
  /** Instances as last told, in no particular order; those that get no traffic are among them. */
  instances(): Iterable<DiscoveredInstance>;
  /** Resolves once everything there is at the start was told; absent: it was told before the discovery was there. */
  readonly whole?: Promise<void>;
  /** Looks at everything again and tells the differences, if there are any. */
  resync(): void;
  /** Of a source that asks what concerns the listener: that has changed. Tells the differences. */
  reconsider?(): void;
  /** Idempotent; the listener is not called any more. */
  stop(): void;
}

/**
 * Whether instances of a service with these tags matter to the listener: a source of thousands need not look at the others. What
 * it answers may change: then the source is to `reconsider`.
 */
export type Concerns = (service: { readonly name: string; readonly tags: readonly string[] }) => boolean;

export type InstanceListener = (changes: readonly InstanceChange[]) => void;
