import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from './balancer.ts';
import { freshState } from './ejection.ts';
import { STRATEGIES } from './strategies.ts';
import { spilling, staying, Tiers } from './tiers.ts';

const target = (id: string): Target => ({ id, host: 'h', port: 80, weight: 1, slot: 1, state: freshState() });
const rr = (targets: readonly Target[]) =>
  STRATEGIES.rr.balancer(targets, { random: () => 0.5, turns: new Int32Array(1) }, 0);

/** Everybody that is asked, one after the other. */
function order(tiers: Tiers): string[] {
  const tried: Target[] = [];
  for (let next = tiers.next(tried); next !== undefined; next = tiers.next(tried)) tried.push(next);
  return tried.map(({ id }) => id);
}

describe('tiers', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(target) as [Target, Target, Target, Target];

  it('ask the second group when the first has nobody left', () => {
    expect(order(new Tiers(rr([a, b]), rr([c, d])))).toEqual(['a', 'b', 'c', 'd']);
    expect(order(new Tiers(rr([a, b]), rr([c, d]), () => true))).toEqual(['c', 'd', 'a', 'b']);
    expect(order(new Tiers(rr([]), rr([c])))).toEqual(['c']);
    expect(order(new Tiers(rr([]), rr([])))).toEqual([]);
  });

  it('ask whoever is well before those who are ejected, and those who have room before the full', () => {
    const out = target('out');
    out.state.ejectedUntil = 9;
    expect(order(new Tiers(rr([out]), rr([c])))).toEqual(['c', 'out']);
    const full = { ...target('full'), maxConnections: 1 };
    full.state.inFlight = 1;
    expect(order(new Tiers(rr([full]), rr([c])))).toEqual(['c']);
  });
});

describe('spilling', () => {
  it('keeps a zone to itself while enough of it is well', () => {
    expect([staying(10, 10), staying(8, 10), staying(5, 10), staying(0, 10), staying(0, 0)]).toEqual([
      1, 1, 0.7, 0, 0,
    ]);
  });

  it('sends as many away as the zone cannot carry, the same ones each time', () => {
    const targets = Array.from({ length: 4 }, (_, i) => target(`t${i}`));
    for (const { state } of targets.slice(0, 2)) state.ejectedUntil = 9;
    const spills = spilling({ targets, meant: 4, random: () => 0.5, now: () => 1 });
    const keys = Array.from({ length: 4_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
    const away = keys.filter((key) => spills(key));
    expect(away.length / keys.length).toBeCloseTo(0.3, 1);
    expect(keys.filter((key) => spills(key))).toEqual(away);
  });

  it('sees within a moment that instances are ejected or back', () => {
    const one = target('one');
    let now = 0;
    const spills = spilling({ targets: [one], meant: 1, random: () => 0.999, now: () => now });
    expect(spills(undefined)).toBe(false);
    one.state.ejectedUntil = 9;
    now += 100;
    expect(spills(undefined)).toBe(true);
    one.state.ejectedUntil = 0;
    now += 100;
    expect(spills(undefined)).toBe(false);
  });

  it('keeps more the more is well', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.nat(100),
        fc.integer({ min: 1, max: 100 }),
        (a, b, meant) => a > b || staying(a, meant) <= staying(b, meant),
      ),
    );
  });
});
