import type { StrategyName } from '../balance/strategies.ts';
import type { Concerns, Discovery, InstanceListener } from '../discovery/instance.ts';
import type { Logger } from '../lib/log.ts';
import type { TableOptions } from './byte-table.ts';
import type { CommandText } from './commands.ts';
import type { Explained } from './explain.ts';
import type { Policy } from './policies.ts';
import { Routing } from './routing.ts';
import type { SlotsOptions } from './slots.ts';
import type { RouteDelta } from './spec.ts';
import type { RouteProblem, RouteView } from './view.ts';

export interface RouterOptions {
  /**
   * Follows the instances, e.g. `(listener, concerns) => followCatalog({ catalog, concerns }, listener)`. It may tell of those that
   * do not concern the router, too.
   */
  readonly discover: (listener: InstanceListener, concerns: Concerns) => Discovery;
  /** Told of every change in the tick in which the catalog tells it. Must not throw. */
  readonly publish: (delta: RouteDelta) => void;
  /** Places of routes and instances in the shared counter block; a route's turn has the same place. */
  readonly slots: SlotsOptions;
  readonly log: Logger;
  /** Default "urlprefix-". */
  readonly tagPrefix?: string;
  /** Default "rr". */
  readonly strategy?: StrategyName;
  /** As the workers' compiler has it. */
  readonly table?: TableOptions;
  /** Names that `auth=` may give; `setAuthSchemes` changes them later. Default: none. */
  readonly authSchemes?: readonly string[];
  /** Whether an instance has one slot for all its routes (default), or one for each, as metrics by route and instance need. */
  readonly slotsPer?: 'instance' | 'destination';
  /**
   * What becomes of a route none of whose instances can take a request: `missing` (default, fabio's way) takes it out, so that the
   * next best route or 404 answers; `unavailable` keeps it, so that it is answered 503 with the service's name.
   */
  readonly whenNoneHealthy?: 'missing' | 'unavailable';
  /** Options for routes of some services; `setPolicies` changes them later. */
  readonly policies?: readonly Policy[];
  /** Where the balancer stands; instances in other zones stand by. Default: nowhere. */
  readonly zone?: string;
  /** Milliseconds since the epoch; default: the system's clock. */
  readonly now?: () => number;
}

export interface Router {
  /** Version of the last delta. */
  readonly version: number;
  /** Everything as one delta, for a worker that starts. */
  snapshot(): RouteDelta;
  /** All workers have applied `version`: slots given back before it may be used again. */
  settled(version: number): void;
  /** Resolves when all workers have applied what is published so far, or soon: for those who act upon what they read. */
  applied(): Promise<void>;
  /** All routes, by host and from long to short paths. The same array again while nothing changed. */
  routes(): readonly RouteView[];
  /** Everything that could not be used. The same array again while nothing changed. */
  problems(): readonly RouteProblem[];
  /** Where a request goes and why; `path` without its query. `secure`: behind TLS. */
  explain(host: string, path: string, secure?: boolean): Explained;
  /** Route commands in force from now on, instead of those before. Lines that cannot be read are among the problems. */
  setCommands(texts: readonly CommandText[]): void;
  /** Names that `auth=` may give from now on. A route that asks for another lets nobody in, which is among the problems. */
  setAuthSchemes(names: readonly string[]): void;
  /** Options for routes of some services from now on. */
  setPolicies(policies: readonly Policy[]): void;
  /** Looks at all instances again. */
  resync(): void;
  /** Idempotent. */
  stop(): void;
}

/** Follows the instances and keeps the workers' route tables up to date. The first delta is published before it returns. */
export function startRouter(options: RouterOptions): Router {
  return new Routing(options);
}
