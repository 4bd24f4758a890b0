import { describe, expect, it } from 'vitest';
import { median, quantile, ratioOf, rounded, table } from './figures.mjs';

describe('figures', () => {
  it('takes the middle of an odd number and the mean of the two middles of an even one', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('gives quantiles that occurred', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(quantile(values, 0.5)).toBe(51);
    expect(quantile(values, 0.99)).toBe(100);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it('compares within rounds', () => {
    const mine = [2, 30, 8].map((us, i) => ({ round: i + 1, us }));
    const others = [1, 10, 2].map((us, i) => ({ round: i + 1, us }));
    expect(ratioOf(mine, others, ({ us }) => us)).toBe(3);
    expect(ratioOf(mine, [], ({ us }) => us)).toBeNaN();
  });

  it('shows three digits, or whole numbers', () => {
    expect([rounded(0.12345), rounded(18.66), rounded(1234.5), rounded(Number.NaN)]).toEqual([
      '0.123',
      '18.7',
      '1,235',
      '–',
    ]);
  });

  it('aligns a table', () => {
    expect(
      table(
        ['name', 'µs'],
        [
          ['a', 1.5],
          ['longer', 12.25],
        ],
      ),
    ).toBe('name      µs\na       1.50\nlonger  12.3');
  });
});
