import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import { keyOr } from './hash.ts';
import { ringOf } from './ring.ts';
import type { Strategy } from './strategy.ts';

/** A client's address divided by the number of places: the cheapest that sticks, for a list that hardly changes. */
export const iphash: Strategy = {
  about: 'By client address, weighted; most clients move when an instance comes or goes.',
  balancer: (targets, { random }) => new IpHash(withWeight(targets), random),
};

class IpHash implements Balancer {
  readonly byKey = true;
  readonly #targets: readonly Target[];
  /** Indices into the targets; undefined when each has one place. */
  readonly #ring: Uint32Array | undefined;
  readonly #length: number;
  readonly #random: () => number;

  constructor(targets: readonly Target[], random: () => number) {
    this.#targets = targets;
    this.#ring = ringOf(targets.map(({ weight }) => weight));
    this.#length = this.#ring?.length ?? targets.length;
    this.#random = random;
  }

  /** Hot path: no closures, no allocation. The clients of one that is out go to its neighbour on the ring, and return. */
  next(tried: readonly Target[], key?: number): Target | undefined {
    const length = this.#length;
    if (length === 0) return undefined;
    let place = (keyOr(key, this.#random) >>> 0) % length;
    for (let seen = 0; seen < length; seen++) {
      const index = this.#ring === undefined ? place : (this.#ring[place] as number);
      const target = this.#targets[index] as Target;
      if (isCandidate(target, tried)) return target;
      if (++place === length) place = 0;
    }
    return lastResort(this.#targets, tried);
  }
}
