import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import { Random } from './rnd.ts';
import type { Strategy } from './strategy.ts';

/** Below it (ms) differences are noise: the load decides alone. */
const LEAST_LATENCY = 0.1;

/**
 * Two at random, the one that answers sooner for what it has to do gets it (Mitzenmacher 2001; the cost is Finagle's peak EWMA).
 * Stays away from an instance that became slow, without the herd that runs to the one that is best at the moment.
 */
export const p2cEwma: Strategy = {
  about: 'The better of two at random by latency and requests in flight, weighted.',
  balancer: (targets, { random }) => new PowerOfTwo(withWeight(targets), random),
};

class PowerOfTwo implements Balancer {
  readonly #targets: readonly Target[];
  readonly #random: Random;
  /** The first of the two, so that the second is another. */
  readonly #first: Target[] = [];

  constructor(targets: readonly Target[], random: () => number) {
    this.#targets = targets;
    this.#random = new Random(targets, random);
  }

  /** Hot path: no closures, no allocation at the first attempt. */
  next(tried: readonly Target[]): Target | undefined {
    if (this.#targets.length === 0) return undefined;
    if (tried.length > 0) return this.#best(tried) ?? lastResort(this.#targets, tried);
    const one = this.#random.draw(tried);
    if (one === undefined) return lastResort(this.#targets, tried);
    this.#first[0] = one;
    const other = this.#random.draw(this.#first);
    return other === undefined || cost(one) <= cost(other) ? one : other;
  }

  /** After a failure there is time to look at all. */
  #best(tried: readonly Target[]): Target | undefined {
    let best: Target | undefined;
    for (const target of this.#targets)
      if (isCandidate(target, tried) && (best === undefined || cost(target) < cost(best))) best = target;
    return best;
  }
}

/** How long what is sent now would wait there, for its weight. */
function cost({ state, weight }: Target): number {
  return (Math.max(LEAST_LATENCY, state.latency) * (state.inFlight + 1)) / weight;
}
