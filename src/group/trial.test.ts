import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AutoscaleSpec } from './autoscale/spec.ts';
import { DEFAULTS } from './autoscale/spec.ts';
import { tryPolicy } from './trial.ts';
import type { GroupPoint } from './view.ts';

const HOUR = 3_600_000;
const START = 1_700_000_000_000;

/** An hour at `size`, half of it calm and half busy. */
function hour(size: number, calm: number, busy: number, carried?: GroupPoint['carried']): GroupPoint[] {
  return Array.from({ length: 360 }, (_, index) => ({
    at: START + index * 10_000,
    size,
    ready: size,
    requests: index < 180 ? calm : busy,
    ...(carried !== undefined && { carried }),
  }));
}

const SPEC: AutoscaleSpec = {
  ...DEFAULTS,
  min: 2,
  max: 12,
  signal: [{ kind: 'requests_per_second', target: 100 }],
};

describe('trying a policy', () => {
  it('shows what the size would have been beside what it was', () => {
    const trial = tryPolicy(SPEC, hour(8, 150, 790), {});
    expect(trial).toMatchObject({
      isConfigured: true,
      own: { min: 2, max: 12, policy: 'target', lookback: 600_000 },
      start: START,
      was: { smallest: 8, largest: 8 },
      would: { smallest: 2, largest: 8 },
    });
    expect(trial.steps).toHaveLength(360);
    expect(trial.steps[0]).toMatchObject({ at: 0, load: 150, size: 8, was: 8 });
    expect(trial.steps[100]).toMatchObject({ size: 2, was: 8 });
    expect(trial.steps[359]).toMatchObject({ size: 8, ready: 8, load: 790 });
    expect(trial.was?.instanceHours).toBeCloseTo(8 * (359 / 360), 6);
    expect(trial.would.instanceHours).toBeLessThan(trial.was!.instanceHours);
  });

  it('takes what is asked in place of what the group has, and says both', () => {
    const { own, tried, steps } = tryPolicy(SPEC, hour(8, 150, 790), {
      max: 5,
      lookback: 60_000,
      policy: 'hpa',
      targets: { requests_per_second: 50 },
    });
    expect(own).toMatchObject({ max: 12, policy: 'target', signals: [{ target: 100 }] });
    expect(tried).toMatchObject({ max: 5, policy: 'hpa', lookback: 60_000, signals: [{ target: 50 }] });
    expect(steps.at(-1)).toMatchObject({ size: 5 });
  });

  it('begins with the first rate that was had: the first point of a group has none', () => {
    const [first, ...rest] = hour(8, 800, 800);
    const { would } = tryPolicy(SPEC, [{ ...first!, requests: 0 }, ...rest], {});
    expect(would).toMatchObject({ smallest: 8, largest: 8, changes: 0 });
  });

  it('counts what instances could not have answered', () => {
    const { would } = tryPolicy(SPEC, hour(8, 100, 800), { max: 4, believed: { capacity: 100 } });
    // Four instances answer 400 of 800 a second for half an hour.
    expect(would.refused).toBeGreaterThanOrEqual(400 * 1800);
    expect(tryPolicy(SPEC, hour(8, 100, 100), { believed: { capacity: 100 } }).would.refused).toBe(0);
  });

  it('guesses a policy for a group that has none', () => {
    const { isConfigured, own } = tryPolicy(undefined, hour(4, 40, 200), {});
    expect(isConfigured).toBe(false);
    expect(own).toMatchObject({ min: 1, max: 8, signals: [{ kind: 'requests_per_second', target: 50 }] });
  });

  it('replays what was measured of other signals, and says what was not', () => {
    const spec: AutoscaleSpec = {
      ...SPEC,
      signal: [
        { kind: 'cpu', target: 0.5 },
        { kind: 'metric', target: 9, source: { kind: 'key', key: 'jobs' } },
      ],
    };
    const { tried, steps } = tryPolicy(spec, hour(8, 1, 1, { cpu: 2.5 }), {});
    expect(tried.signals).toEqual([
      { kind: 'cpu', target: 0.5, isKnown: true },
      { kind: 'metric', target: 9, isKnown: false },
    ]);
    expect(steps.at(-1)?.size).toBe(5);
    expect(() => tryPolicy(spec, hour(8, 1, 1), {})).toThrow(/nothing was recorded of what it goes by/);
    // A trace is that number.
    const trace = {
      start: 0,
      points: [
        { at: 0, load: 63 },
        { at: HOUR, load: 63 },
      ],
    };
    const byMetric = { ...spec, signal: spec.signal.slice(1) };
    expect(tryPolicy(byMetric, [], { trace }).steps.at(-1)).toMatchObject({ size: 7, was: null });
  });

  it('replays a group whose size never left the bounds, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { minLength: 2, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 20 }),
        fc.double({ min: 1, max: 500, noNaN: true }),
        fc.constantFrom('target' as const, 'hpa' as const),
        (loads, min, more, target, policy) => {
          const history = loads.map((requests, index) => ({
            at: START + index * 10_000,
            size: 3,
            ready: 3,
            requests,
          }));
          const { steps, would } = tryPolicy(SPEC, history, {
            min,
            max: min + more,
            policy,
            targets: { requests_per_second: target },
          });
          expect(steps.every(({ size }) => size >= min && size <= min + more)).toBe(true);
          expect(would.refused).toBeLessThanOrEqual(would.requests + 1e-6);
        },
      ),
    );
  });

  it('refuses what is no policy, what nothing is known for, and what would take an agent too long', () => {
    expect(() => tryPolicy(SPEC, hour(2, 1, 1), { min: 13 })).toThrow(/least size, 13, is above the largest/);
    expect(() => tryPolicy(SPEC, [], {})).toThrow(/too little was recorded yet/);
    const trace = {
      start: 0,
      points: [
        { at: 0, load: 1 },
        { at: 30 * 24 * HOUR, load: 1 },
      ],
    };
    expect(() => tryPolicy(SPEC, [], { trace })).toThrow(/720h0m0s with up to 12 instances is too much/);
  });
});
