import { Least } from './least.ts';
import type { Strategy } from './strategy.ts';

/** Whoever has the fewest requests in flight for its weight, as this worker sees it. */
export const leastconn: Strategy = {
  about: 'Fewest requests in flight, weighted; in turn among equals.',
  // With the request that is about to be sent.
  balancer: (targets, draw, turn) => new Least(targets, draw, turn, ({ state }) => state.inFlight + 1),
};
