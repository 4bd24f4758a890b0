import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('Go durations', () => {
  it.each([
    ['0', 0],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['10us', 0.01],
    ['-2s', -2000],
    ['1h0m0s', 3_600_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 's', '1 s', 'abc', '1d', '1s1', '--1s'])('"%s" is refused', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('costs what its length costs, whatever it says', () => {
    // Would take minutes if every digit were tried as an end.
    for (const text of ['1'.repeat(1_000_000), '.1'.repeat(500_000), `${'1h'.repeat(500_000)}1`])
      expect(parseDuration(text)).toBeUndefined();
  });

  it('what is written reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e10 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it('writes as Go does', () => {
    expect([90_000, 3_600_000, 1500, 0, 250, 600_000].map(formatDuration)).toEqual([
      '1m30s',
      '1h0m0s',
      '1.5s',
      '0s',
      '250ms',
      '10m0s',
    ]);
  });
});
