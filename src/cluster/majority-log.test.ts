import { expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import { watchMajority } from './majority-log.ts';

function setUp(there: string[]) {
  const lines: LogLine[] = [];
  const clock = new ManualClock(1_000_000);
  const state = { hears: false, there };
  const end = watchMajority({
    hears: () => state.hears,
    servers: () => ({ there: state.there, count: 3 }),
    clock,
    logger: createLogger({ level: 'warn', sink: (line) => lines.push(line) }),
  });
  return { lines, clock, state, end };
}

it('a server that hears the others and takes part in no majority says so, once, and again when it happens again', () => {
  const { lines, clock, state, end } = setUp(['n2']);
  clock.advance(60_000);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.fields.there).toBe('n2');
  state.hears = true;
  clock.advance(5_000);
  state.hears = false;
  clock.advance(60_000);
  expect(lines).toHaveLength(2);
  end();
  clock.advance(60_000);
  expect(lines).toHaveLength(2);
});

it('an election is no news, and neither is a majority that is away', () => {
  const election = setUp(['n2', 'n3']);
  election.clock.advance(10_000);
  election.state.hears = true;
  election.clock.advance(60_000);
  const lost = setUp([]);
  lost.clock.advance(60_000);
  expect([...election.lines, ...lost.lines]).toEqual([]);
});
