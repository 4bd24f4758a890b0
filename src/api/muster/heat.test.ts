import { expect, it } from 'vitest';
import { Heat } from './heat.ts';
import type { Counters } from './traffic.ts';

const BOUNDS = [1, 2, 4, 8];

function scopes(...latency: number[]): Map<string, Counters> {
  return new Map([['service web', { requests: 0, errors: 0, inFlight: 0, latency }]]);
}

it('a column has what was answered since the step before, by row', () => {
  const heat = new Heat(BOUNDS, 2);
  heat.step(0, scopes(5, 5, 5, 5));
  heat.step(5000, scopes(6, 7, 5, 9));
  heat.step(10_000, scopes(6, 7, 5, 9));
  expect(heat.map('service web', 5000)).toEqual({
    step: 5000,
    bounds: [2, 8],
    columns: [
      { at: 5000, counts: [3, 4] },
      { at: 10_000, counts: [] },
    ],
  });
});

it('counters that were begun anew count from zero; what is gone is forgotten', () => {
  const heat = new Heat(BOUNDS, 2);
  heat.step(0, scopes(50, 0, 0, 0));
  heat.step(5000, scopes(2, 0, 0, 0));
  expect(heat.map('service web', 5000).columns).toEqual([{ at: 5000, counts: [2, 0] }]);
  heat.step(10_000, new Map());
  expect(heat.map('service web', 5000).columns).toEqual([]);
});

it('keeps five minutes', () => {
  const heat = new Heat(BOUNDS, 2);
  for (let step = 0; step < 100; step++) heat.step(step * 5000, scopes(step, 0, 0, 0));
  expect(heat.map('service web', 5000).columns.map(({ at }) => at)).toEqual(
    Array.from({ length: 60 }, (_, index) => (40 + index) * 5000),
  );
});
