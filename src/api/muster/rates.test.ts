import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING_YET, quantile, ratesBetween, sumCounters } from './rates.ts';
import type { Counters } from './traffic.ts';

const BOUNDS = [1, 2, 4, 8];

function counters(requests: number, errors = 0, latency: number[] = [0, 0, 0, 0], inFlight = 0): Counters {
  return { requests, errors, inFlight, latency };
}

function ratesAfter(samples: Counters[], seconds = 1) {
  let state: ReturnType<typeof ratesBetween>['state'] | undefined;
  let rates: ReturnType<typeof ratesBetween>['rates'] | undefined;
  for (const sample of samples) ({ state, rates } = ratesBetween(state, sample, seconds, BOUNDS));
  return rates;
}

describe('rates between two samples', () => {
  it('are growth per second', () => {
    expect(ratesAfter([counters(100, 1), counters(150, 3)], 2)).toMatchObject({ requests: 25, errors: 1 });
  });

  it('are 0 at the first sample: what was counted before is no rate', () => {
    expect(ratesAfter([counters(1_000_000, 5)])).toMatchObject({ requests: 0, errors: 0, p99: null });
  });

  it('are seen in the first second of one that nobody had asked for', () => {
    const { rates } = ratesBetween(NOTHING_YET, counters(8, 2, [8, 0, 0, 0]), 2, BOUNDS);
    expect(rates).toMatchObject({ requests: 4, errors: 1, p50: 0.5 });
    expect(ratesBetween(NOTHING_YET, counters(0), 1, BOUNDS).state).toBe(NOTHING_YET);
  });

  it('count from zero when a counter was begun anew', () => {
    expect(ratesAfter([counters(100, 50), counters(7, 2)])).toMatchObject({ requests: 7, errors: 2 });
  });

  it('are never negative, whatever the counters do', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ r: fc.nat(), e: fc.nat() }), { minLength: 2 }), (steps) => {
        const rates = ratesAfter(steps.map(({ r, e }) => counters(r, e)));
        expect(rates?.requests).toBeGreaterThanOrEqual(0);
        expect(rates?.errors).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('give in-flight requests as they are', () => {
    expect(ratesAfter([counters(1, 0, [], 3), counters(1, 0, [], 5)])).toMatchObject({ inFlight: 5 });
  });

  it('read percentiles from new answers only', () => {
    const slowBefore = counters(1000, 0, [0, 0, 0, 1000]);
    const fastSince = counters(1100, 0, [100, 0, 0, 1000]);
    expect(ratesAfter([slowBefore, fastSince])?.p99).toBeLessThanOrEqual(1);
  });

  it('keep percentiles while a service is quiet, then let them go', () => {
    const start = [counters(0), counters(10, 0, [0, 10, 0, 0])];
    const still = counters(10, 0, [0, 10, 0, 0]);
    expect(ratesAfter([...start, still, still])?.p50).toBe(1.5);
    expect(ratesAfter([...start, ...Array<Counters>(60).fill(still)])?.p50).toBeNull();
  });

  it('notice traffic again after a long quiet', () => {
    const quiet = Array<Counters>(60).fill(counters(10, 0, [0, 10, 0, 0]));
    expect(ratesAfter([...quiet, counters(13, 1, [0, 10, 3, 0])])).toMatchObject({
      requests: 3,
      errors: 1,
      p50: 3,
    });
  });
});

describe('a quantile', () => {
  it('lies within the bucket that holds it', () => {
    expect(quantile([0, 10, 0, 0], BOUNDS, 0.5)).toBe(1.5);
    expect(quantile([98, 0, 0, 2], BOUNDS, 0.99)).toBe(6);
    expect(quantile([0, 0, 0, 0], BOUNDS, 0.5)).toBeNull();
  });

  it('rises with the share and stays within the bounds', () => {
    const counts = fc
      .array(fc.nat(1000), { minLength: 4, maxLength: 4 })
      .filter((list) => list.some((n) => n > 0));
    fc.assert(
      fc.property(
        counts,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, a, b) => {
          const low = quantile(list, BOUNDS, Math.min(a, b)) ?? -1;
          const high = quantile(list, BOUNDS, Math.max(a, b)) ?? -1;
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeGreaterThanOrEqual(low);
          expect(high).toBeLessThanOrEqual(8);
        },
      ),
    );
  });
});

it('counters of the targets of a service add up', () => {
  expect(sumCounters([counters(1, 2, [1, 0, 0, 3], 4), counters(10, 20, [0, 5, 0, 1], 40)])).toEqual(
    counters(11, 22, [1, 5, 0, 4], 44),
  );
});
