import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import type { Draw, Strategy } from './strategy.ts';

/** Whoever has the fewest requests in flight for its weight, as this worker sees it. */
export const leastconn: Strategy = {
  about: 'Fewest requests in flight, weighted; in turn among equals.',
  balancer: (targets, draw, turn) => new LeastConnections(withWeight(targets), draw, turn),
};

class LeastConnections implements Balancer {
  readonly #targets: readonly Target[];
  readonly #turns: Int32Array;
  readonly #turn: number;

  constructor(targets: readonly Target[], { turns }: Draw, turn: number) {
    this.#targets = targets;
    this.#turns = turns;
    this.#turn = turn;
  }

  /** Hot path: no closures, no allocation. A scan: some 10 µs for 5,000 targets, nothing for the usual dozen. */
  next(tried: readonly Target[]): Target | undefined {
    const targets = this.#targets;
    const length = targets.length;
    if (length === 0) return undefined;
    // Another first one each time, or an idle service would send everything to one instance.
    let place = (Atomics.add(this.#turns, this.#turn, 1) >>> 0) % length;
    let best: Target | undefined;
    for (let seen = 0; seen < length; seen++) {
      const target = targets[place] as Target;
      if (++place === length) place = 0;
      if (!isCandidate(target, tried)) continue;
      // With the request that is about to be sent; the quotients compared without dividing.
      if (
        best === undefined ||
        (target.state.inFlight + 1) * best.weight < (best.state.inFlight + 1) * target.weight
      )
        best = target;
    }
    return best ?? lastResort(targets, tried);
  }
}
