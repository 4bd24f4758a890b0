import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import { ringOf } from './ring.ts';
import type { Draw, Strategy } from './strategy.ts';

/** In turn, as often as the weights say. */
export const rr: Strategy = {
  about: 'In turn, weighted; all workers take turns together.',
  balancer: (targets, draw, turn, newcomer) => new RoundRobin(withWeight(targets), draw, turn, newcomer),
};

class RoundRobin implements Balancer {
  readonly #targets: readonly Target[];
  /** Indices into the targets; undefined when the targets in order are the round. */
  readonly #ring: Uint32Array | undefined;
  readonly #length: number;
  readonly #turns: Int32Array;
  readonly #turn: number;

  constructor(targets: readonly Target[], { turns }: Draw, turn: number, newcomer: Target | undefined) {
    this.#targets = targets;
    this.#ring = ringOf(targets.map(({ weight }) => weight));
    this.#length = this.#ring?.length ?? targets.length;
    this.#turns = turns;
    this.#turn = turn;
    const place = newcomer === undefined ? -1 : targets.indexOf(newcomer);
    // Each worker does so when it learns of the newcomer; all of them mean the same place.
    if (place >= 0) Atomics.store(turns, turn, this.#ring?.indexOf(place) ?? place);
  }

  /** Hot path: no closures, no allocation. */
  next(tried: readonly Target[]): Target | undefined {
    const length = this.#length;
    // Who is passed over gives its turn away by a new draw: taking the neighbour would double the neighbour's share.
    for (let draws = 0; draws < length; draws++) {
      const place = (Atomics.add(this.#turns, this.#turn, 1) >>> 0) % length;
      const target = this.#targets[
        this.#ring === undefined ? place : (this.#ring[place] as number)
      ] as Target;
      if (isCandidate(target, tried)) return target;
    }
    // Other workers draw from the same counter, so the draws above may have missed somebody.
    for (let i = 0; i < this.#targets.length; i++) {
      const target = this.#targets[i] as Target;
      if (isCandidate(target, tried)) return target;
    }
    return lastResort(this.#targets, tried);
  }
}
