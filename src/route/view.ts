import type { StrategyName } from '../balance/strategies.ts';

/** Routes as people and their tools look at them: with everything behind them, also what gets no traffic. */

export interface TargetView {
  /** Instance id: `node/serviceId`. */
  readonly instance: string;
  readonly service: string;
  readonly node: string;
  readonly serviceId: string;
  readonly host: string;
  readonly port: number;
  /** "http://127.0.0.1:80/" */
  readonly url: string;
  /** Share of the route's requests, 0 to 1. */
  readonly share: number;
  /** `weight=` of the tag, 0 without one. */
  readonly fixedWeight: number;
  /** Options of the tag but `proto=` and `weight=`, as written. */
  readonly options: readonly string[];
  /** Tags of the instance that make no routes. */
  readonly tags: readonly string[];
  /** Index of its counters. */
  readonly slot: number;
  /** Why the instance is not healthy enough to get traffic; "" when it is. */
  readonly out: string;
  /** Why no HTTP request can be sent there though it is healthy; "" when it can. */
  readonly obstacle: string;
}

export interface RouteView {
  /** Host and path. */
  readonly id: string;
  /** "" for any host. */
  readonly host: string;
  readonly path: string;
  /** Services behind it, usually one. */
  readonly service: string;
  readonly strategy: StrategyName;
  readonly strip: string;
  /** Index of its counters. */
  readonly slot: number;
  /** Whether requests are routed by it: false when none of its instances can take one. */
  readonly isInForce: boolean;
  readonly targets: readonly TargetView[];
}

/** A tag, or an option of one, that could not be used. The rest of the table is not touched by it. */
export interface RouteProblem {
  readonly service: string;
  /** Instance id. */
  readonly instance: string;
  /** As registered. */
  readonly tag: string;
  readonly reason: string;
}
