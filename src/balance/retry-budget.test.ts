import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

it('allows a share of the requests and a reserve for each second, never more', () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 400 }),
    requests: fc.nat(20),
    retries: fc.nat(20),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(5),
      (steps, share, reserve) => {
        const budget = new RetryBudget({ share, reserve, most: 50 });
        let now = 0;
        let requests = 0;
        let granted = 0;
        for (const { wait, ...counts } of steps) {
          now += wait;
          for (let i = 0; i < counts.requests; i++) budget.deposit();
          requests += counts.requests;
          for (let i = 0; i < counts.retries; i++) if (budget.withdraw(now)) granted++;
          expect(granted).toBeLessThanOrEqual(
            requests * share + reserve * (Math.floor(now / 1000) + 1) + 1e-6,
          );
        }
      },
    ),
  );
});

it('keeps what was not used, up to a bound', () => {
  const budget = new RetryBudget({ share: 0.5, reserve: 0, most: 3 });
  for (let i = 0; i < 100; i++) budget.deposit();
  expect([1, 2, 3, 4].map(() => budget.withdraw(0))).toEqual([true, true, true, false]);
});
