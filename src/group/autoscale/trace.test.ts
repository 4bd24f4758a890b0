import { describe, expect, it } from 'vitest';
import { parseTrace } from './trace.ts';

describe('a load trace', () => {
  it.each([
    ['seconds', 'time,load\n0,10\n60,20\n', 0],
    ['durations', '0s,10\n\n# busy now\n1m,20', 0],
    ['dates', '2026-01-31T08:00:00Z,10\r\n2026-01-31T08:01:00Z,20', Date.UTC(2026, 0, 31, 8)],
  ])('is read with %s', (_, text, start) => {
    expect(parseTrace(text, 't.csv')).toEqual({
      start,
      points: [
        { at: 0, load: 10 },
        { at: 60_000, load: 20 },
      ],
    });
  });

  it.each([
    ['0,1\nsoon,2', 't.csv:2: expected "time,load"'],
    ['0,1\n5,-2', 't.csv:2: the load has to be a number from 0 on'],
    ['0,1\n5,2,3', 't.csv:2: expected "time,load"'],
    ['5,1\n5,2', 't.csv:2: times have to rise'],
    ['5,1\n2026-01-31T08:00:00Z,2', 't.csv:2: times are all relative or all dates'],
    ['time,load\n0,1', 't.csv: a trace needs two points'],
    ['', 't.csv: a trace needs two points'],
  ])('%j is refused with its place', (text, message) => {
    expect(() => parseTrace(text, 't.csv')).toThrow(message);
  });
});
