import { describe, expect, it } from 'vitest';
import {
  byName,
  formatDuration,
  formatMany,
  formatRate,
  formatShare,
  formatSpan,
  shortened,
} from './format.ts';

describe('numbers on a screen', () => {
  it.each([
    [0, '0'],
    [0.4, '0.4'],
    [9.96, '10'],
    [12.4, '12'],
    [1234, '1,234'],
    [12_345, '12.3 k'],
    [123_456, '123 k'],
  ])('a rate of %d reads %s', (value, text) => expect(formatRate(value)).toBe(text));

  it.each([
    [null, '–'],
    [0, '0 ms'],
    [0.42, '0.4 ms'],
    [12.3, '12 ms'],
    [999.4, '999 ms'],
    [999.9, '1 s'],
    [1234, '1.2 s'],
  ])('%d ms read %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([
    [-3000, '0 s'],
    [999, '0 s'],
    [89_000, '89 s'],
    [90_000, '1 min'],
    [89 * 60_000, '89 min'],
    [3 * 3_600_000, '3 h'],
    [3 * 86_400_000, '3 d'],
  ])('a span of %d ms reads %s', (ms, text) => expect(formatSpan(ms)).toBe(text));

  it.each([
    [0, '0 %'],
    [0.0004, '< 0.1 %'],
    [0.004, '0.4 %'],
    [0.125, '13 %'],
    [1, '100 %'],
  ])('a share of %d reads %s', (share, text) => expect(formatShare(share)).toBe(text));

  it('counts in words', () => {
    expect(formatMany(1, 'route')).toBe('1 route');
    expect(formatMany(1200, 'route')).toBe('1,200 routes');
  });
});

it('a UUID within a name is shortened, the rest stays', () => {
  expect(shortened('instance hello-86fd5d74-4f11-44e4-8288-043eed807689 joined web-1')).toBe(
    'instance hello-86fd5d74… joined web-1',
  );
});

it('names sort as people count', () => {
  expect(['web-10', 'web-2', 'api'].sort(byName)).toEqual(['api', 'web-2', 'web-10']);
});
