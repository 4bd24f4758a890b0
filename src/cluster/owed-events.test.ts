import { expect, it, vi } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { EventLog } from './event-log.ts';
import { OwedEvents } from './owed-events.ts';
import { RecentIds } from './recent-ids.ts';

const filters = { nodeFilter: '', serviceFilter: '', tagFilter: '', payload: new Uint8Array() };

function servers() {
  const clock = new ManualClock();
  const log = new EventLog(clock);
  const others = [{ id: 'a' }, { id: 'b' }];
  const away = new Set<string>();
  const told: string[] = [];
  const tell = vi.fn(async (id: string, { name }: { name: string }) => {
    if (away.has(id)) throw new Error('it is away');
    told.push(`${id} ${name}`);
  });
  const owed = new OwedEvents({ others: () => others, tell, clock });
  const fire = (name: string) => owed.add(log.fire({ name, ...filters }));
  /** Lets what is due happen, and what that entails. */
  const pass = async () => {
    await clock.advance(1_000);
    await new Promise(setImmediate);
  };
  return { owed, others, away, told, tell, fire, pass };
}

it('tells a server that was away of all it missed, in order, once it is back, and the others at once', async () => {
  const { away, told, fire, pass } = servers();
  away.add('b');
  fire('one');
  fire('two');
  await pass();
  expect(told).toEqual(['a one', 'a two']);
  fire('three');
  await pass();
  away.clear();
  await pass();
  expect(told).toEqual(['a one', 'a two', 'a three', 'b one', 'b two', 'b three']);
});

it('keeps the last 512, forgets who is no server any more, and ends', async () => {
  const { owed, others, away, told, tell, fire, pass } = servers();
  away.add('b');
  for (let at = 0; at < 600; at++) fire(`${at}`);
  await pass();
  away.clear();
  await pass();
  const ofB = told.filter((one) => one.startsWith('b'));
  expect(ofB).toHaveLength(512);
  expect(ofB.at(-1)).toBe('b 599');
  away.add('b');
  fire('of no use');
  await pass();
  others.pop();
  away.clear();
  await pass();
  expect(told).not.toContain('b of no use');
  away.add('a');
  fire('too late');
  owed.close();
  await pass();
  const { length } = tell.mock.calls;
  await pass();
  expect(tell.mock.calls).toHaveLength(length);
});

it('knows an ID again as long as it is one of the last', () => {
  const ids = new RecentIds(2);
  expect(['a', 'a', 'b', 'a', 'c', 'a'].map((id) => ids.add(id))).toEqual([
    true,
    false,
    true,
    false,
    true,
    true,
  ]);
});
