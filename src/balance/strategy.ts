import type { Balancer, Target } from './balancer.ts';

/** What a strategy may draw on. Shared by all balancers of a worker. */
export interface Draw {
  /** In [0, 1). */
  readonly random: () => number;
  /**
   * One counter per slot of a route. In a SharedArrayBuffer the workers take turns together, so that the order is strict
   * whichever worker a connection landed on.
   */
  readonly turns: Int32Array;
  /** Milliseconds since the epoch. Default: the system's. */
  readonly now?: () => number;
}

/** A kind of choice. Told once per table which targets there are; asked for candidates on the hot path. */
export interface Strategy {
  /** One sentence for help and pages. */
  readonly about: string;
  /**
   * `turn` is the index of the route's counter in `draw.turns`. `newcomer` has just joined the targets: a strategy that
   * takes turns begins with it, since it has waited longest. Targets of weight 0 are never candidates.
   */
  balancer(targets: readonly Target[], draw: Draw, turn: number, newcomer?: Target): Balancer;
}
