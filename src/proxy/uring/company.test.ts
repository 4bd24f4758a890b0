import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Company } from './company.ts';

/** What is awaited behind `turns` turns that are all alike. */
function behind(turns: number, completions: number, ms: number, company = new Company()): number {
  for (let i = 0; i < turns; i++) company.came(completions, ms);
  return company.awaited;
}

describe('whether a turn waits for several completions', () => {
  it.each([
    ['many, and quickly: twice as many, to wake those that wait for them together', 8, 0.08, 16],
    ['very many: no more than a turn is good for', 500, 1, 32],
    ['few, however quickly: a request alone is not held up', 3, 0.001, 0],
    ['many, but not that fast: two threads that share the cores with those they wait for', 8, 0.2, 0],
  ])('%s', (_, completions, ms, awaited) => {
    expect(behind(200, completions, ms)).toBe(awaited);
  });

  it('knows nothing of the turns before a new connection', () => {
    const company = new Company();
    expect(behind(200, 8, 0.05, company)).toBe(16);
    company.newcomer();
    expect([company.awaited, behind(2, 8, 0.05, company)]).toEqual([0, 0]);
    expect(behind(200, 8, 0.05, company)).toBe(16);
  });

  it('waits again soon when it gets busy, and soon not any more', () => {
    const company = new Company();
    behind(10_000, 1, 2, company);
    expect(behind(150, 10, 0.05, company)).toBeGreaterThan(0);
    expect(behind(150, 1, 2, company)).toBe(0);
  });

  it('never waits for a single one, or for more than its most, whatever comes', () => {
    const turn = fc.tuple(fc.nat(20_000), fc.double({ min: 0, max: 60_000, noNaN: true }));
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 200 }), (turns) => {
        const company = new Company();
        for (const [completions, ms] of turns) {
          company.came(completions, ms);
          const { awaited } = company;
          expect(awaited === 0 || (awaited > 4 && awaited <= 32)).toBe(true);
        }
      }),
    );
  });
});
