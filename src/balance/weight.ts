import type { Balancer, Target } from './balancer.ts';
import { lastResort } from './candidates.ts';
import { Random } from './rnd.ts';
import type { Strategy } from './strategy.ts';

/**
 * As a client of SRV records chooses (RFC 2782): those of the lowest priority number, as likely as their weights say;
 * those of the next one when the first cannot be had. Weight 0 gets nothing while another of its priority has some,
 * and its share when all have 0.
 */
export const weight: Strategy = {
  about: 'At random, weighted, the lowest priority number first.',
  balancer: (targets, { random }) => new Weighted(targets, random),
};

class Weighted implements Balancer {
  readonly #tiers: readonly Random[];
  readonly #targets: readonly Target[];

  constructor(targets: readonly Target[], random: () => number) {
    const priorities = new Set(targets.map(priorityOf).sort((a, b) => a - b));
    const tiers = [...priorities].map((priority) =>
      sharing(targets.filter((target) => priorityOf(target) === priority)),
    );
    this.#tiers = tiers.map((tier) => {
      const weights = tier.map((target) => target.weight || 1);
      return new Random(tier, random, weights);
    });
    this.#targets = tiers.flat();
  }

  /** Hot path: no closures, no allocation. */
  next(tried: readonly Target[]): Target | undefined {
    const tiers = this.#tiers;
    for (let i = 0; i < tiers.length; i++) {
      const target = (tiers[i] as Random).draw(tried);
      if (target !== undefined) return target;
    }
    return lastResort(this.#targets, tried);
  }
}

function priorityOf({ priority = 0 }: Target): number {
  return priority;
}

/** Those with a weight, or all alike when none has one. */
function sharing(tier: readonly Target[]): readonly Target[] {
  const weighty = tier.filter(({ weight }) => weight > 0);
  return weighty.length > 0 ? weighty : tier;
}
