import { expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import { SearchLog } from './search-log.ts';

function setUp() {
  const lines: LogLine[] = [];
  const clock = new ManualClock(1_000_000);
  let hasBegun = false;
  const logger = createLogger({ level: 'trace', sink: (line) => lines.push(line) });
  const search = new SearchLog({ logger, clock, hasBegun: () => hasBegun });
  return {
    search,
    begin: () => {
      hasBegun = true;
    },
    /** Looks for so many ms, five times a second. */
    look(ms: number, tried: Record<string, string> = {}): LogLine[] {
      lines.length = 0;
      for (let at = 0; at < ms; at += 200) {
        for (const [address, why] of Object.entries(tried)) search.failed(address, why);
        search.roundEnded();
        clock.advance(200);
      }
      return lines;
    },
    lines,
  };
}

it('a node that begins says where it looks, and why it finds nobody, now and then', () => {
  const { look } = setUp();
  expect(look(1_000)).toEqual([]);
  const told = look(25_000, { '10.0.0.1:8300': 'it has another key' });
  expect(told.map(({ level, fields }) => [level, fields.tried])).toEqual(
    Array(3).fill(['info', '10.0.0.1:8300 (it has another key)']),
  );
});

it('one that was told nothing says what to do', () => {
  const { look } = setUp();
  look(1_000);
  expect(look(1_000)[0]?.fields.tried).toMatch(/-retry-join/);
});

it('one that has a catalog warns, seldom, and says what goes on; a short search is no news', () => {
  const { look, search, begin, lines } = setUp();
  begin();
  search.found('10.0.0.1:8300');
  search.lost('10.0.0.1:8300', 'it fell silent');
  expect(look(1_000, { '10.0.0.1:8300': 'gone' })).toEqual([]);
  const told = look(100_000, { '10.0.0.1:8300': 'gone' });
  expect(told.map(({ level }) => level)).toEqual(['warn', 'warn']);
  expect(told[0]?.message).toMatch(/writes are refused/);
  lines.length = 0;
  search.found('10.0.0.2:8300');
  expect(lines.map(({ fields }) => fields)).toEqual([{ server: '10.0.0.2:8300' }]);
});
