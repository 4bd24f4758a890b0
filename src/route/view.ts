import type { StrategyName } from '../balance/strategies.ts';
import type { ChoiceSpec } from './choice.ts';
import type { HandlingSpec } from './handling.ts';
import type { Emergency } from './merge.ts';
import type { RouteSpec } from './spec.ts';

/** Routes as people and their tools look at them: with everything behind them, also what gets no traffic. */

export interface TargetView {
  /** Instance id: `node/serviceId`. */
  readonly instance: string;
  readonly service: string;
  readonly node: string;
  readonly serviceId: string;
  readonly host: string;
  readonly port: number;
  /** "http://127.0.0.1:80/"; of a redirect where it leads. */
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
  /** Why nothing can be sent there though it is healthy; "" when it can. */
  readonly obstacle: string;
  /** What tells it from the others of its route; nothing, mostly. */
  readonly standing?: Standing;
}

export interface Standing {
  /** Why it would be out if enough others were well; "" when nothing speaks against it. */
  readonly doubtful: string;
  /** The other zone that it stands in; "" for that of the balancer, or when nobody knows. */
  readonly farZone: string;
  /** It is one of those that a part of the users try out. */
  readonly isCanary: boolean;
  /** When it came (ms since the epoch), on a route where instances begin slowly; 0 for those of the start. */
  readonly since: number;
}

export interface RouteView {
  /** Host and path. */
  readonly id: string;
  /** TCP routes lead from a listening address or a server name. */
  readonly kind: RouteSpec['kind'];
  /** "" for any host. */
  readonly host: string;
  readonly path: string;
  /** Services behind it, usually one. */
  readonly service: string;
  readonly strategy: StrategyName;
  /** What else there is to say about choosing. */
  readonly choice?: ChoiceSpec | undefined;
  /** Set while so few instances are well that those with failing checks are used too. */
  readonly emergency?: Emergency | undefined;
  /** What is done with its requests, by the first of its targets. */
  readonly handling: HandlingSpec;
  /** Index of its counters. */
  readonly slot: number;
  /** Names under which the balancer is to be known because of it. */
  readonly aliases: readonly string[];
  /** Whether requests are routed by it: false when none of its instances can take one. */
  readonly isInForce: boolean;
  readonly targets: readonly TargetView[];
}

/** A tag, an option of one, or a route command that could not be used. The rest of the table is not touched by it. */
export interface RouteProblem {
  /** "" for a command that names none. */
  readonly service: string;
  /** Instance id; "" for a command. */
  readonly instance: string;
  /** As registered. */
  readonly tag: string;
  readonly reason: string;
}
