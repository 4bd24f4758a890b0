import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from './balancer.ts';
import { freshState } from './ejection.ts';
import { SlowStart, warmth } from './slow-start.ts';
import { STRATEGIES, STRATEGY_NAMES, type StrategyName } from './strategies.ts';

const WINDOW = 30_000;

const target = (index: number, since = 0): Target => ({
  id: `t${index}`,
  host: '127.0.0.1',
  port: 8_000 + index,
  weight: 1,
  slot: 1,
  since,
  state: freshState(),
});

/** A plain generator, so that a failing case can be run again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function balancerOf(targets: readonly Target[], now: number, strategy: StrategyName = 'rr') {
  const random = randomOf(7);
  const inner = STRATEGIES[strategy].balancer(targets, { random, turns: new Int32Array(1) }, 0);
  return new SlowStart(inner, WINDOW, random, () => now);
}

/** Requests out of `times` that the first target got. */
function partOfFirst(
  balancer: SlowStart,
  times: number,
  keyOf: (i: number) => number | undefined = () => undefined,
) {
  let first = 0;
  for (let i = 0; i < times; i++) if (balancer.next([], keyOf(i))?.id === 't0') first++;
  return first / times;
}

describe('slow start', () => {
  it('rises evenly to the whole share', () => {
    const at = (age: number) => warmth(target(0, 1_000), WINDOW, 1_000 + age);
    expect([at(0), at(6_000), at(15_000), at(30_000), at(90_000)]).toEqual([0.1, 0.2, 0.5, 1, 1]);
    fc.assert(fc.property(fc.nat(60_000), fc.nat(60_000), (a, b) => a > b || at(a) <= at(b)));
  });

  it.each(['rr', 'rnd', 'leastconn', 'p2c-ewma'] as const)(
    'gives a newcomer little at first, by %s',
    (strategy) => {
      const since = 1_000_000;
      const parts = [0, 15_000, 30_000].map((age) =>
        partOfFirst(balancerOf([target(0, since), target(1), target(2)], since + age, strategy), 3_000),
      );
      expect(parts[0]).toBeLessThan(0.07);
      expect(parts[1]).toBeGreaterThan(0.1);
      expect(parts[1]).toBeLessThan(0.25);
      expect(parts[2]).toBeCloseTo(1 / 3, 1);
    },
  );

  it('passes the same clients on until the instance is warm enough for them, and never back', () => {
    const since = 1_000_000;
    const keys = Array.from({ length: 500 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
    const ages = [0, 5_000, 10_000, 20_000, 30_000];
    const whose = ages.map((age) => {
      const balancer = balancerOf([target(0, since), target(1)], since + age, 'rendezvous');
      return new Set(keys.filter((key) => balancer.next([], key)?.id === 't0'));
    });
    for (const [i, clients] of whose.entries())
      for (const key of whose[i - 1] ?? []) expect(clients.has(key)).toBe(true);
    expect(whose.at(-1)!.size).toBeGreaterThan(whose[0]!.size);
  });

  it('begins again for an instance that was taken back', () => {
    const back = target(0);
    back.state.returnedAt = 500_000;
    expect(partOfFirst(balancerOf([back, target(1)], 500_000), 2_000)).toBeLessThan(0.1);
    expect(partOfFirst(balancerOf([back, target(1)], 530_000), 2_000)).toBeCloseTo(0.5, 1);
  });

  it('shares among instances that are all new', () => {
    const since = 1_000_000;
    const balancer = balancerOf([target(0, since), target(1, since)], since + 100);
    expect(partOfFirst(balancer, 4_000)).toBeCloseTo(0.5, 1);
    expect(balancerOf([target(0, since)], since).next([])?.id).toBe('t0');
  });

  it.each(STRATEGY_NAMES)('finds somebody whenever %s does', (strategy) => {
    const spec = fc.record({
      weight: fc.constantFrom(0, 1, 3),
      since: fc.constantFrom(0, 990_000, 1_000_000),
      out: fc.boolean(),
      tried: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 5 }), fc.option(fc.integer()), (specs, key) => {
        const targets = specs.map(({ weight, since, out }, i): Target => {
          const one = { ...target(i, since), weight };
          if (out) one.state.ejectedUntil = 5;
          return one;
        });
        const tried = targets.filter((_, i) => specs[i]!.tried);
        const plain = STRATEGIES[strategy].balancer(
          targets,
          { random: randomOf(3), turns: new Int32Array(1) },
          0,
        );
        const found = balancerOf(targets, 1_000_000, strategy).next(tried, key ?? undefined);
        const expected = plain.next(tried, key ?? undefined);
        expect(found === undefined).toBe(expected === undefined);
        if (found === undefined || expected === undefined) return;
        expect(tried).not.toContain(found);
        expect(found.state.ejectedUntil === 0).toBe(expected.state.ejectedUntil === 0);
      }),
    );
  });
});
