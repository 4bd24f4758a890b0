import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Balancer, Target } from './balancer.ts';
import { freshState } from './ejection.ts';
import { keyOfAddress } from './hash.ts';
import { answeredIn, measure } from './measure.ts';
import { STRATEGIES, STRATEGY_NAMES, type StrategyName } from './strategies.ts';

/** A plain generator, so that a failing case can be run again. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const target = (id: string, weight = 1): Target => ({
  id,
  host: '127.0.0.1',
  port: 8_000 + Number(id.slice(1)),
  weight,
  slot: 1,
  state: freshState(),
});

const targetsOf = (weights: readonly number[]) => weights.map((weight, i) => target(`t${i}`, weight));

function balancerOf(
  strategy: StrategyName,
  targets: readonly Target[],
  turns: Int32Array = new Int32Array(4),
): Balancer {
  return STRATEGIES[strategy].balancer(targets, { random: randomOf(7), turns }, 2);
}

function counts(balancer: Balancer, times: number, targets: readonly Target[]): number[] {
  const seen = new Map<string, number>();
  for (let i = 0; i < times; i++) {
    const id = balancer.next([])?.id ?? '';
    seen.set(id, (seen.get(id) ?? 0) + 1);
  }
  return targets.map(({ id }) => seen.get(id) ?? 0);
}

/** `weight` does as clients of SRV records: among those of weight 0 alone all have a share. */
function usableFor(strategy: StrategyName, targets: readonly Target[]): readonly Target[] {
  const weighty = targets.filter(({ weight }) => weight > 0);
  return strategy === 'weight' && weighty.length === 0 ? targets : weighty;
}

describe.each(STRATEGY_NAMES)('strategy %s', (strategy) => {
  it('has no candidate without targets', () => {
    expect(balancerOf(strategy, []).next([])).toBeUndefined();
  });

  it('yields every target once, the ejected ones last and by their return, then none', () => {
    const spec = fc.record({
      weight: fc.constantFrom(0, 1, 2, 0.25),
      until: fc.constantFrom(0, 0, 5, 9, 12),
    });
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 8 }), fc.nat(50), (specs, before) => {
        const targets = targetsOf(specs.map(({ weight }) => weight));
        for (const [i, { until }] of specs.entries()) (targets[i] as Target).state.ejectedUntil = until;
        const balancer = balancerOf(strategy, targets);
        for (let i = 0; i < before; i++) balancer.next([]);
        const tried: Target[] = [];
        for (;;) {
          const next = balancer.next(tried);
          if (next === undefined) break;
          tried.push(next);
          expect(tried.length).toBeLessThanOrEqual(targets.length);
        }
        const usable = usableFor(strategy, targets);
        expect(new Set(tried)).toEqual(new Set(usable));
        expect(tried).toHaveLength(usable.length);
        const untils = tried.map(({ state }) => state.ejectedUntil);
        expect(untils).toEqual([...untils].sort((a, b) => a - b));
      }),
    );
  });

  it('knows a target by its id, also when the table was swapped in between', () => {
    const old = target('t0');
    const balancer = balancerOf(strategy, [target('t0'), target('t1')]);
    for (let i = 0; i < 10; i++) expect(balancer.next([old])?.id).toBe('t1');
  });

  it('passes over those that have as many in flight as they may', () => {
    const targets = targetsOf([1, 1]).map((one) => ({ ...one, maxConnections: 2 }));
    targets[0]!.state.inFlight = 2;
    const balancer = balancerOf(strategy, targets);
    for (let i = 0; i < 10; i++) expect(balancer.next([], i)?.id).toBe('t1');
    targets[1]!.state.inFlight = 3;
    expect(balancer.next([])).toBeUndefined();
  });

  it('shares by weight', () => {
    const targets = targetsOf([0.6, 0.3, 0.1, 0]);
    const balancer = balancerOf(strategy, targets);
    // Busy servers: without requests in flight leastconn has nothing to compare.
    const got = targets.map(() => 0);
    const held: Target[] = [];
    for (let i = 0; i < 4000; i++) {
      const next = balancer.next([]) as Target;
      got[targets.indexOf(next)] = (got[targets.indexOf(next)] ?? 0) + 1;
      next.state.inFlight++;
      next.state.bytes++;
      held.push(next);
      if (held.length > 200) (held.shift() as Target).state.inFlight--;
    }
    const shares = got.map((count) => count / 4000);
    for (const [i, share] of [0.6, 0.3, 0.1, 0].entries()) expect(shares[i]).toBeCloseTo(share, 1);
    expect(got[3]).toBe(0);
  });
});

describe('rr', () => {
  it('takes strict turns when weights are equal', () => {
    const targets = targetsOf([1, 1, 1]);
    expect(counts(balancerOf('rr', targets), 99, targets)).toEqual([33, 33, 33]);
  });

  it('keeps each weight exactly over a round, and never lets the heaviest run long', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 10 }), (weights) => {
        const targets = targetsOf(weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const balancer = balancerOf('rr', targets);
        expect(counts(balancer, total, targets)).toEqual(weights);
        const heaviest = Math.max(...weights);
        const longest = Math.ceil(heaviest / Math.max(1, total - heaviest)) * 2 + 1;
        if (weights.length === 1) return;
        const turns = Array.from({ length: total }, () => balancer.next([])?.id ?? '');
        for (let at = 0; at + longest < turns.length; at++)
          expect(new Set(turns.slice(at, at + longest + 1)).size).toBeGreaterThan(1);
      }),
    );
  });

  it('balancers on the same counter take turns together', () => {
    const turns = new Int32Array(new SharedArrayBuffer(16));
    const targets = targetsOf([1, 1, 1, 1]);
    const workers = [balancerOf('rr', targets, turns), balancerOf('rr', targets, turns)];
    const seen = Array.from({ length: 8 }, (_, i) => workers[i % 2]?.next([])?.id);
    expect(new Set(seen.slice(0, 4)).size).toBe(4);
    expect(new Set(seen.slice(4)).size).toBe(4);
  });

  it('goes on where it was after a swap of tables, and over the end of its counter', () => {
    const turns = new Int32Array(4).fill(2 ** 31 - 2);
    const targets = targetsOf([1, 1]);
    const first = counts(balancerOf('rr', targets, turns), 5, targets);
    const second = counts(balancerOf('rr', targets, turns), 5, targets);
    expect([0, 1].map((i) => (first[i] ?? 0) + (second[i] ?? 0))).toEqual([5, 5]);
  });

  it.each([[[1, 1, 1]], [[0.5, 0.3, 0.2]]])('begins with a newcomer: weights %j', (weights) => {
    for (let before = 0; before < 5; before++) {
      const turns = new Int32Array(4).fill(before);
      const targets = targetsOf(weights);
      const balancer = STRATEGIES.rr.balancer(targets, { random: () => 0, turns }, 2, targets[1]);
      expect(balancer.next([])?.id).toBe('t1');
    }
  });

  it('shares the turns of an ejected target among all others, not with its neighbour alone', () => {
    const targets = targetsOf([1, 1, 1, 1]);
    (targets[1] as Target).state.ejectedUntil = 1000;
    expect(counts(balancerOf('rr', targets), 300, targets)).toEqual([100, 0, 100, 100]);
  });

  it('a round of thousands with odd weights gives each of them a turn', () => {
    const weights = Array.from({ length: 3000 }, (_, i) => (i % 7) + 0.5);
    const targets = targetsOf(weights);
    const got = counts(balancerOf('rr', targets), 40_000, targets);
    expect(Math.min(...got)).toBeGreaterThan(0);
  });
});

describe('leastconn', () => {
  it('takes the one with the fewest requests for its weight', () => {
    const targets = targetsOf([1, 4]);
    (targets[0] as Target).state.inFlight = 2;
    (targets[1] as Target).state.inFlight = 6;
    expect(balancerOf('leastconn', targets).next([])?.id).toBe('t1');
    (targets[1] as Target).state.inFlight = 12;
    expect(balancerOf('leastconn', targets).next([])?.id).toBe('t0');
  });

  it('takes turns among idle ones', () => {
    const targets = targetsOf([1, 1, 1]);
    expect(counts(balancerOf('leastconn', targets), 30, targets)).toEqual([10, 10, 10]);
  });
});

const KEYS = Array.from({ length: 20_000 }, (_, i) =>
  keyOfAddress(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
);

const placesOf = (strategy: StrategyName, targets: readonly Target[]) => {
  const balancer = balancerOf(strategy, targets);
  return KEYS.map((key) => balancer.next([], key)?.id ?? '');
};

describe.each(['iphash', 'maglev', 'rendezvous'] as const)('by key: %s', (strategy) => {
  it('sends a client to the same place, after a swap of tables too', () => {
    const targets = targetsOf([1, 2, 3, 1]);
    expect(placesOf(strategy, targets)).toEqual(placesOf(strategy, targetsOf([1, 2, 3, 1])));
  });

  it('shares clients of one network by weight', () => {
    const weights = [1, 2, 3, 2, 0];
    const places = placesOf(strategy, targetsOf(weights));
    for (const [i, weight] of weights.entries()) {
      const share = places.filter((id) => id === `t${i}`).length / KEYS.length;
      expect(share).toBeGreaterThanOrEqual((weight / 8) * 0.9);
      expect(share).toBeLessThanOrEqual((weight / 8) * 1.1);
    }
  });

  it('brings the clients of an ejected instance back to it, and leaves the others alone', () => {
    const targets = targetsOf([1, 1, 1, 1, 1]);
    const before = placesOf(strategy, targets);
    (targets[2] as Target).state.ejectedUntil = 9;
    const during = placesOf(strategy, targets);
    for (const [i, id] of before.entries())
      if (id === 't2') expect(during[i]).not.toBe('t2');
      else expect(during[i]).toBe(id);
    (targets[2] as Target).state.ejectedUntil = 0;
    expect(placesOf(strategy, targets)).toEqual(before);
  });
});

describe.each([
  ['rendezvous', 0],
  ['maglev', 0.05],
] as const)('minimal disruption: %s', (strategy, most) => {
  it('only the clients of an instance that goes move', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), (count, which) => {
        const targets = targetsOf(Array.from({ length: count }, () => 1));
        const gone = targets[which % count]!;
        const before = placesOf(strategy, targets);
        const after = placesOf(
          strategy,
          targets.filter((one) => one !== gone),
        );
        const moved = before.filter((id, i) => id !== gone.id && id !== after[i]).length;
        expect(moved / KEYS.length).toBeLessThanOrEqual(most);
      }),
      { numRuns: 15 },
    );
  });

  it('an instance that comes takes its share and no more', () => {
    const before = placesOf(strategy, targetsOf([1, 1, 1, 1]));
    const after = placesOf(strategy, targetsOf([1, 1, 1, 1, 1]));
    const moved = before.filter((id, i) => id !== after[i]).length / KEYS.length;
    expect(moved).toBeGreaterThan(0.17);
    expect(moved).toBeLessThan(0.23 + most);
  });
});

describe('maglev', () => {
  it('is exact to a hundredth for a hundred instances', () => {
    const targets = targetsOf(Array.from({ length: 100 }, () => 1));
    const balancer = balancerOf('maglev', targets);
    const seen = new Map<string, number>();
    for (let place = 0; place < 16_381; place++) {
      const id = balancer.next([], place)?.id ?? '';
      seen.set(id, (seen.get(id) ?? 0) + 1);
    }
    const counts = [...seen.values()];
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });
});

describe('weight', () => {
  const tiered = (specs: readonly [priority: number, weight: number][]) =>
    specs.map(([priority, weight], i) => ({ ...target(`t${i}`, weight), priority }));

  it('takes the lowest priority number while one of it can be had', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.boolean()), { minLength: 1, maxLength: 10 }),
        (specs) => {
          const targets = tiered(specs.map(([priority, weight]) => [priority, weight]));
          for (const [i, [, , out]] of specs.entries()) if (out) targets[i]!.state.ejectedUntil = 5;
          const chosen = balancerOf('weight', targets).next([]);
          const tier = (priority: number) =>
            usableFor(
              'weight',
              targets.filter((one) => one.priority === priority),
            );
          const open = [0, 1, 2, 3].find((priority) =>
            tier(priority).some(({ state }) => state.ejectedUntil === 0),
          );
          if (open === undefined) expect(chosen?.state.ejectedUntil).toBe(5);
          else expect(tier(open)).toContain(chosen);
        },
      ),
    );
  });

  it('shares among those of weight 0 when there are no others', () => {
    const targets = tiered([
      [1, 0],
      [1, 0],
    ]);
    const got = counts(balancerOf('weight', targets), 1_000, targets);
    expect(Math.min(...got)).toBeGreaterThan(400);
  });
});

describe('leastbandwidth', () => {
  it('takes the one that moved the fewest bytes for its weight, also within the last second', () => {
    const targets = targetsOf([1, 1, 2]);
    targets[0]!.state.bandwidth = 300;
    targets[1]!.state.bytes = 200;
    targets[2]!.state.bandwidth = 300;
    expect(balancerOf('leastbandwidth', targets).next([])?.id).toBe('t2');
  });
});

describe('p2c-ewma', () => {
  it('stays away from a slow instance, and asks it again when its slowness is forgotten', () => {
    const targets = targetsOf([1, 1, 1]);
    for (const { state } of targets) answeredIn(state, 2);
    answeredIn(targets[0]!.state, 400);
    expect(counts(balancerOf('p2c-ewma', targets), 300, targets)[0]).toBe(0);
    for (let seconds = 0; seconds < 90; seconds++) for (const { state } of targets) measure(state, 1_000);
    expect(counts(balancerOf('p2c-ewma', targets), 300, targets)[0]).toBeGreaterThan(50);
  });
});

describe('what is measured', () => {
  it('fades: bandwidth by half a second, a peak of latency at once and slowly back', () => {
    const state = freshState();
    state.bytes = 3_000;
    measure(state, 1_500);
    expect(state).toMatchObject({ bytes: 0, bandwidth: 1_000 });
    measure(state, 1_000);
    expect(state.bandwidth).toBe(500);
    answeredIn(state, 50);
    answeredIn(state, 10);
    expect(state.latency).toBeCloseTo(46);
  });
});
