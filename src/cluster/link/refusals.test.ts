import { expect, it } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { createLogger, type LogLine } from '../../lib/log.ts';
import { Refusals } from './refusals.ts';

function setUp() {
  const lines: LogLine[] = [];
  const clock = new ManualClock(1_000_000);
  const refusals = new Refusals(createLogger({ level: 'trace', sink: (line) => lines.push(line) }), clock);
  return { lines, clock, refusals };
}

it('an address is named once in a minute, and how often it came again in the next', () => {
  const { lines, clock, refusals } = setUp();
  for (let i = 0; i < 100; i++) refusals.note('10.0.0.1', 'it has another key');
  expect(lines.map(({ fields }) => fields)).toEqual([{ from: '10.0.0.1', why: 'it has another key' }]);
  clock.advance(60_000);
  refusals.note('10.0.0.1', 'it has another key');
  expect(lines.slice(1).map(({ fields }) => fields)).toEqual([
    { more: 99 },
    { from: '10.0.0.1', why: 'it has another key' },
  ]);
  expect(refusals.count).toBe(101);
});

it('however many addresses there are, the log stays short', () => {
  const { lines, refusals } = setUp();
  for (let i = 0; i < 100_000; i++) refusals.note(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 'why');
  expect(lines).toHaveLength(20);
});
