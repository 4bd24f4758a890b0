import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import type { Strategy } from './strategy.ts';

/** At random, as likely as the weights say. */
export const rnd: Strategy = {
  about: 'At random, weighted.',
  balancer: (targets, { random }) => new Random(withWeight(targets), random),
};

/** Draws by weight. The weights given are all positive. */
export class Random implements Balancer {
  readonly #targets: readonly Target[];
  readonly #weights: Float64Array;
  /** `#sums[i]` is the weight of the targets up to and with i: a draw is a binary search. */
  readonly #sums: Float64Array;
  readonly #random: () => number;

  constructor(
    targets: readonly Target[],
    random: () => number,
    weights: readonly number[] = targets.map(({ weight }) => weight),
  ) {
    this.#targets = targets;
    this.#sums = new Float64Array(targets.length);
    let sum = 0;
    this.#weights = Float64Array.from(weights);
    for (const [i, weight] of weights.entries()) {
      sum += weight;
      this.#sums[i] = sum;
    }
    this.#random = random;
  }

  /** Hot path: no closures, no allocation. */
  next(tried: readonly Target[]): Target | undefined {
    return this.draw(tried) ?? lastResort(this.#targets, tried);
  }

  /** Undefined when only last resorts are left. */
  draw(tried: readonly Target[]): Target | undefined {
    if (this.#targets.length === 0) return undefined;
    const target = this.#targets[this.#place()] as Target;
    return isCandidate(target, tried) ? target : this.#among(tried);
  }

  #place(): number {
    const sums = this.#sums;
    const drawn = this.#random() * (sums[sums.length - 1] as number);
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] as number) > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** A draw among those that are left, when the first draw hit one that is out. */
  #among(tried: readonly Target[]): Target | undefined {
    const targets = this.#targets;
    let total = 0;
    for (let i = 0; i < targets.length; i++)
      if (isCandidate(targets[i] as Target, tried)) total += this.#weights[i] as number;
    let rest = this.#random() * total;
    let last: Target | undefined;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i] as Target;
      if (!isCandidate(target, tried)) continue;
      last = target;
      rest -= this.#weights[i] as number;
      if (rest < 0) return target;
    }
    return last;
  }
}
