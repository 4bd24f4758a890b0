import { expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import type { Refusal } from './founding.ts';
import { FoundingLog, type FoundingLogOptions } from './founding-log.ts';

/** What the server n1 says in so many ms, five turns a second. `others`: what each of those who answer expects, by name. */
function told(
  ms: number,
  own: number,
  others: Record<string, number>,
  { refusal, unreachable = [] }: { refusal?: Refusal; unreachable?: string[] } = {},
): LogLine[] {
  const lines: LogLine[] = [];
  const clock = new ManualClock(1_000_000);
  const logger = createLogger({ level: 'info', sink: (line) => lines.push(line) });
  const answering = Object.entries(others).map(([name, expect]) => ({ entry: { name }, hello: { expect } }));
  const gossip = { reachable: () => answering, unreachable: () => unreachable };
  const options = { name: 'n1', expect: own, gossip, clock, logger } as unknown as FoundingLogOptions;
  const log = new FoundingLog(options);
  for (let at = 0; at < ms; at += 200) {
    log.turnEnded(refusal);
    clock.advance(200);
  }
  return lines;
}

it('says soon, and then now and then, who is here and who does not answer', () => {
  expect(told(1_400, 3, { n2: 3 })).toEqual([]);
  const lines = told(15_000, 3, { n2: 3 }, { unreachable: ['10.0.0.3:8300 (refused)'] });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({
    level: 'info',
    message: 'waiting for other servers: 2 of 3 are here',
    fields: { servers: 'n1 n2', unreachable: '10.0.0.3:8300 (refused)' },
  });
});

it('counts nobody who expects another number, and names them', () => {
  const [line] = told(2_000, 3, { n2: 3, n3: 2 });
  expect(line).toMatchObject({
    level: 'warn',
    message: 'waiting for other servers: 2 of 3 are here',
    fields: { others: 'n3 (-bootstrap-expect=2)' },
  });
});

it('a server that founds no cluster says so, and not that none of none are here', () => {
  const [line] = told(2_000, 0, {}, { unreachable: ['10.0.0.1:8300 (refused)'] });
  expect(line?.level).toBe('warn');
  expect(line?.message).toContain('without -bootstrap-expect');
});

it('says why the cluster does not take the server in, as a warning once that lasts', () => {
  const refusal = { by: 'n2', why: 'another server has the name n1: give this one another with -node' };
  const lines = told(15_000, 3, { n2: 3, n3: 3, n4: 3 }, { refusal });
  expect(lines.map(({ level }) => level)).toEqual(['info', 'warn']);
  expect(lines[1]?.fields).toEqual(refusal);
});
