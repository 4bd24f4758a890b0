import type { Balancer, Target } from './balancer.ts';
import { isCandidate, lastResort, withWeight } from './candidates.ts';
import { keyOfTarget, keyOr, mix } from './hash.ts';
import type { Strategy } from './strategy.ts';

/**
 * Places of the table, prime. Shares are exact to a hundredth when there are a hundred times as many places as targets;
 * filling takes about a millisecond for the small table, five for the large one.
 */
const SIZES = [16_381, 65_537] as const;
const PLACES_EACH = 100;
/** So many draws for a client whose instance is out, before all are looked at. */
const DRAWS = 16;

/**
 * Maglev's table (Eisenbud et al. 2016, 3.4): a look-up whatever the number of instances, and few clients but those of
 * the instance that comes or goes move.
 */
export const maglev: Strategy = {
  about:
    'By client address, weighted; few clients move when an instance comes or goes, a look-up for thousands.',
  balancer: (targets, { random }) => new Maglev(withWeight(targets), random),
};

class Maglev implements Balancer {
  readonly byKey = true;
  readonly #targets: readonly Target[];
  /** Place to index of a target. */
  readonly #table: Uint16Array;
  readonly #random: () => number;

  constructor(targets: readonly Target[], random: () => number) {
    this.#targets = targets;
    this.#table = targets.length === 0 ? new Uint16Array(0) : fill(targets);
    this.#random = random;
  }

  /** Hot path: no closures, no allocation. */
  next(tried: readonly Target[], key?: number): Target | undefined {
    const targets = this.#targets;
    const size = this.#table.length;
    if (size === 0) return undefined;
    let place = keyOr(key, this.#random);
    for (let draws = 0; draws < DRAWS; draws++) {
      const target = targets[this.#table[(place >>> 0) % size] as number] as Target;
      if (isCandidate(target, tried)) return target;
      place = mix(place + 1);
    }
    const first = (place >>> 0) % targets.length;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[(first + i) % targets.length] as Target;
      if (isCandidate(target, tried)) return target;
    }
    return lastResort(targets, tried);
  }
}

/** Every target in turn, as often as its weight says, takes the next free place of its own permutation. */
function fill(targets: readonly Target[]): Uint16Array {
  const size = targets.length * PLACES_EACH <= SIZES[0] ? SIZES[0] : SIZES[1];
  const table = new Uint16Array(size);
  const taken = new Uint8Array(size);
  // The order must not hang on how the targets were listed, or the same table could not be made twice.
  const order = targets
    .map((target, index) => ({ index, key: keyOfTarget(target), weight: target.weight }))
    .sort((a, b) => a.key - b.key || a.index - b.index);
  const next = order.map(({ key }) => (key >>> 0) % size);
  const skips = order.map(({ key }) => ((mix(key + 1) >>> 0) % (size - 1)) + 1);
  const heaviest = Math.max(...order.map(({ weight }) => weight));
  const credits = order.map(() => 0);
  for (let filled = 0; ; ) {
    for (let i = 0; i < order.length; i++) {
      const { index, weight } = order[i]!;
      credits[i]! += weight;
      if (credits[i]! < heaviest) continue;
      credits[i]! -= heaviest;
      let place = next[i]!;
      while (taken[place] === 1) place = (place + skips[i]!) % size;
      taken[place] = 1;
      table[place] = index;
      next[i] = (place + skips[i]!) % size;
      if (++filled === size) return table;
    }
  }
}
