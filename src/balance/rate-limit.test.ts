import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Rate, RateTable } from './rate-limit.ts';

const table = (keys?: number) => new RateTable(RateTable.memory(7, keys));
const START = 1_800_000_000_000;

describe('a token bucket', () => {
  const rate: Rate = { count: 10, period: 1_000, burst: 3 };

  it('has as many tokens as the burst, then one for each part of the time', () => {
    const rates = table();
    const take = (at: number) => rates.take(1, 1, rate, START + at);
    expect([take(0), take(0), take(0)]).toEqual([0, 0, 0]);
    expect(take(0)).toBe(100);
    expect(take(60)).toBe(40);
    expect(take(100)).toBe(0);
    expect(take(100)).toBe(100);
    expect([take(5_000), take(5_000), take(5_000), take(5_000)]).toEqual([0, 0, 0, 100]);
  });

  it('is another one for each key', () => {
    const rates = table();
    const once: Rate = { count: 1, period: 60_000, burst: 1 };
    for (const [high, low] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [-1, -1],
      [1, -1],
    ] as const) {
      expect(rates.take(high, low, once, START)).toBe(0);
      expect(rates.take(high, low, once, START)).toBe(60_000);
    }
  });

  it('is the same one for all who share the memory', () => {
    const one = table();
    const other = new RateTable(one.shared);
    expect(other.seed).toBe(one.seed);
    expect([one, other, one, other].map((rates) => rates.take(1, 2, rate, START) === 0)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('lets through neither more nor, if they ask often enough, less than the rate, however the requests come', () => {
    const gaps = fc.array(fc.nat(300), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        gaps,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        (waits, count, burst) => {
          const rates = table(64);
          const each = 1_000 / count;
          let now = 0;
          let passed = 0;
          // The same in plain arithmetic: tokens as a number with fractions.
          let tokens = burst;
          for (const wait of waits) {
            now += wait;
            tokens = Math.min(burst, tokens + wait / each);
            // Tokens come in thousandths at the least: what is nearer than that to a whole one is rounding.
            const may = tokens >= 1 - 1e-4;
            expect(rates.take(3, 4, { count, period: 1_000, burst }, START + now) === 0).toBe(may);
            if (!may) continue;
            tokens -= 1;
            passed++;
          }
          expect(passed).toBeLessThanOrEqual(burst + now / each + 1);
        },
      ),
    );
  });
});

describe('a table that is too small', () => {
  const once: Rate = { count: 1, period: 1_000, burst: 1 };

  it('forgets whoever is nearest to having all tokens again, and goes on limiting the others', () => {
    const rates = table(8);
    for (let key = 0; key < 8; key++) rates.take(key, 0, once, START + key);
    expect(rates.take(100, 0, once, START + 10)).toBe(0);
    // The oldest had to go; the others are remembered.
    expect(rates.take(7, 0, once, START + 11)).toBeGreaterThan(0);
    expect(rates.take(100, 0, once, START + 11)).toBeGreaterThan(0);
    expect(rates.take(0, 0, once, START + 12)).toBe(0);
  });

  it('never grows, whoever asks', () => {
    const rates = table(64);
    const { byteLength } = rates.shared;
    for (let key = 0; key < 10_000; key++)
      expect(rates.take(key, Math.imul(key, 0x9e3779b1), once, START)).toBe(0);
    expect(rates.shared.byteLength).toBe(byteLength);
  });
});
