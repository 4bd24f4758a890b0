import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import type { Draw, Strategy } from './strategy.ts';

/** At random, as likely as the weights say. */
export const rnd: Strategy = {
  about: 'At random, weighted.',
  balancer: (targets, draw) => new Random(withWeight(targets), draw),
};

class Random implements Balancer {
  readonly #targets: readonly Target[];
  /** `#sums[i]` is the weight of the targets up to and with i: a draw is a binary search. */
  readonly #sums: Float64Array;
  readonly #random: () => number;

  constructor(targets: readonly Target[], { random }: Draw) {
    this.#targets = targets;
    this.#sums = new Float64Array(targets.length);
    let sum = 0;
    for (const [i, { weight }] of targets.entries()) {
      sum += weight;
      this.#sums[i] = sum;
    }
    this.#random = random;
  }

  /** Hot path: no closures, no allocation. */
  next(tried: readonly Target[]): Target | undefined {
    const length = this.#targets.length;
    if (length === 0) return undefined;
    const target = this.#targets[this.#place()] as Target;
    if (isCandidate(target, tried)) return target;
    return this.#among(tried) ?? lastResort(this.#targets, tried);
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
      if (isCandidate(targets[i] as Target, tried)) total += (targets[i] as Target).weight;
    let rest = this.#random() * total;
    let last: Target | undefined;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i] as Target;
      if (!isCandidate(target, tried)) continue;
      last = target;
      rest -= target.weight;
      if (rest < 0) return target;
    }
    return last;
  }
}
