import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { weightsOf } from './weights.ts';

const fixed = (...shares: number[]) => shares.map((share) => ({ fixed: share, relative: 1 }));
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe('weights', () => {
  it.each([
    { what: 'no fixed share: all alike', from: [0, 0], to: [1, 1] },
    { what: 'one fixed share, the rest is split', from: [0.2, 0, 0], to: [0.2, 0.4, 0.4] },
    { what: 'fixed shares alone are scaled up', from: [0.1, 0.3], to: [0.25, 0.75] },
    { what: 'fixed shares above the whole are scaled down', from: [1.5, 0.5], to: [0.75, 0.25] },
    { what: 'the whole leaves nothing for the others', from: [1, 0], to: [1, 0] },
    { what: 'a fixed share of zero is none', from: [0, 0.2], to: [0.8, 0.2] },
  ])('$what', ({ from, to }) => {
    expect(weightsOf(fixed(...from))).toEqual(to);
  });

  it('relative weights split what fixed shares leave; a weight of 0 gets nothing of either', () => {
    const targets = [
      { fixed: 0.4, relative: 1 },
      { fixed: 0, relative: 3 },
      { fixed: 0, relative: 1 },
      { fixed: 0.5, relative: 0 },
    ];
    expect(weightsOf(targets)).toEqual([0.4, 0.45, 0.15, 0]);
  });

  it('somebody gets something as soon as anybody may, and fixed shares make one whole', () => {
    const target = fc.record({
      fixed: fc.constantFrom(0, 0.1, 0.25, 0.5, 1, 2),
      relative: fc.constantFrom(0, 1, 5, 65535),
    });
    fc.assert(
      fc.property(fc.array(target, { maxLength: 8 }), (targets) => {
        const weights = weightsOf(targets);
        expect(weights.every((weight) => weight >= 0)).toBe(true);
        const isAny = targets.some(({ relative }) => relative > 0);
        expect(sum(weights) > 0).toBe(isAny);
        if (isAny && targets.some(({ fixed, relative }) => relative > 0 && fixed > 0))
          expect(sum(weights)).toBeCloseTo(1, 6);
      }),
    );
  });
});
