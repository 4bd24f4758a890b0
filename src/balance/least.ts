import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import type { Draw } from './strategy.ts';

/** Whoever has the least of something for its weight, as this worker sees it; in turn among equals. */
export class Least implements Balancer {
  readonly #targets: readonly Target[];
  readonly #turns: Int32Array;
  readonly #turn: number;
  readonly #load: (target: Target) => number;

  /** `load`: what counts; must not allocate. */
  constructor(targets: readonly Target[], { turns }: Draw, turn: number, load: (target: Target) => number) {
    this.#targets = withWeight(targets);
    this.#turns = turns;
    this.#turn = turn;
    this.#load = load;
  }

  /** Hot path: no closures, no allocation. A scan: some 10 µs for 5,000 targets, nothing for the usual dozen. */
  next(tried: readonly Target[]): Target | undefined {
    const targets = this.#targets;
    const length = targets.length;
    if (length === 0) return undefined;
    // Another first one each time, or an idle service would send everything to one instance.
    let place = (Atomics.add(this.#turns, this.#turn, 1) >>> 0) % length;
    let best: Target | undefined;
    let least = 0;
    for (let seen = 0; seen < length; seen++) {
      const target = targets[place] as Target;
      if (++place === length) place = 0;
      if (!isCandidate(target, tried)) continue;
      const load = this.#load(target);
      // The quotients compared without dividing.
      if (best !== undefined && load * best.weight >= least * target.weight) continue;
      best = target;
      least = load;
    }
    return best ?? lastResort(targets, tried);
  }
}
