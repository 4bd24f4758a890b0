import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import type { Draw, Strategy } from './strategy.ts';

/** Whoever moved the fewest bytes lately, both ways, as this worker sees it. */
export const leastbandwidth: Strategy = {
  about: 'Fewest bytes per second in the last seconds, weighted; in turn among equals.',
  balancer: (targets, draw, turn) => new LeastBandwidth(withWeight(targets), draw, turn),
};

class LeastBandwidth implements Balancer {
  readonly #targets: readonly Target[];
  readonly #turns: Int32Array;
  readonly #turn: number;

  constructor(targets: readonly Target[], { turns }: Draw, turn: number) {
    this.#targets = targets;
    this.#turns = turns;
    this.#turn = turn;
  }

  /** Hot path: no closures, no allocation. */
  next(tried: readonly Target[]): Target | undefined {
    const targets = this.#targets;
    const length = targets.length;
    if (length === 0) return undefined;
    let place = (Atomics.add(this.#turns, this.#turn, 1) >>> 0) % length;
    let best: Target | undefined;
    for (let seen = 0; seen < length; seen++) {
      const target = targets[place] as Target;
      if (++place === length) place = 0;
      if (!isCandidate(target, tried)) continue;
      if (best === undefined || load(target) * best.weight < load(best) * target.weight) best = target;
    }
    return best ?? lastResort(targets, tried);
  }
}

/** With what is not in the mean yet, or all that come within a second would go to the same one. */
function load({ state }: Target): number {
  return state.bandwidth + state.bytes;
}
