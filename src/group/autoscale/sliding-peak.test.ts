import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SlidingPeak } from './sliding-peak.ts';

it('the sliding peak is the largest of the window', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: -5, max: 5 })), {
        maxLength: 400,
      }),
      fc.integer({ min: 0, max: 200 }),
      (steps, span) => {
        const peak = new SlidingPeak(span);
        const all: { at: number; value: number }[] = [];
        let at = 0;
        for (const [step, value] of steps) {
          at += step;
          all.push({ at, value });
          const window = all.filter((one) => one.at >= at - span).map((one) => one.value);
          expect(peak.push(at, value)).toBe(Math.max(...window));
        }
      },
    ),
  );
});
