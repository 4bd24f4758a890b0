import { Least } from './least.ts';
import type { Strategy } from './strategy.ts';

/** Whoever moved the fewest bytes lately, both ways, as this worker sees it. */
export const leastbandwidth: Strategy = {
  about: 'Fewest bytes per second in the last seconds, weighted; in turn among equals.',
  // With what is not in the mean yet, or all that come within a second would go to the same one.
  balancer: (targets, draw, turn) =>
    new Least(targets, draw, turn, ({ state }) => state.bandwidth + state.bytes),
};
