import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckStatus } from '../catalog/rows.ts';
import { damp, newStreak, type Thresholds } from './damping.ts';

const statuses = fc.constantFrom<CheckStatus>('passing', 'warning', 'critical');

/** The status after each result. */
function run(thresholds: Thresholds, results: readonly CheckStatus[]): (CheckStatus | undefined)[] {
  let streak = newStreak(thresholds);
  let published: CheckStatus | undefined;
  return results.map((result) => {
    const damped = damp(streak, thresholds, result);
    streak = damped.streak;
    published = damped.status ?? published;
    return published;
  });
}

const rise = (successBeforePassing: number, failuresBeforeCritical: number, failuresBeforeWarning = 0) => ({
  successBeforePassing,
  failuresBeforeCritical,
  failuresBeforeWarning,
});

describe('damping', () => {
  it('publishes every result without thresholds', () => {
    fc.assert(
      fc.property(fc.array(statuses), (results) => {
        expect(run(rise(0, 0), results)).toEqual(results);
      }),
    );
  });

  it('changes only after as many like results in a row as asked for, but the first result counts at once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 0, max: 4 }),
        fc.array(statuses, { minLength: 1, maxLength: 40 }),
        (rises, falls, results) => {
          let expected: CheckStatus | undefined;
          const model = results.map((result, at) => {
            const bad = result === 'critical';
            const needed = Math.max(1, bad ? falls : rises);
            let row = 1;
            while (row <= at && (results[at - row] === 'critical') === bad) row++;
            // The streak that begins with the check itself stands at its threshold.
            if (row >= needed || row === at + 1) expected = result;
            return expected;
          });
          expect(run(rise(rises, falls), results)).toEqual(model);
        },
      ),
    );
  });

  it('warns on the way to critical when told to', () => {
    const results: CheckStatus[] = ['passing', 'critical', 'critical', 'critical', 'critical'];
    expect(run(rise(0, 4, 2), results)).toEqual(['passing', 'passing', 'warning', 'warning', 'critical']);
  });
});
