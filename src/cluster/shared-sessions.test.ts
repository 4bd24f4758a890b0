import { expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { openMemoryStore } from '../store/memory.ts';
import { type Leadership, soleLeadership } from './leadership.ts';
import { startSharedSessions } from './shared-sessions.ts';

/** A server that another one leads. */
const LED: Leadership = { ...soleLeadership('other'), leads: () => false, whileLeading: () => () => {} };

function setUp(put: (name: string, value: string) => Promise<void>, leadership = LED) {
  const clock = new ManualClock(1_000_000);
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const sessions = startSharedSessions({
    store: { ...store, signals: { subscribe: () => () => {}, put } },
    leadership,
    self: 'me',
    clock,
    logger: silentLogger,
  });
  return { clock, sessions };
}

it('a renewal is acknowledged once the leader can know of it, many of them together', async () => {
  const told: unknown[] = [];
  const { clock, sessions } = setUp(async (name, value) => void told.push([name, JSON.parse(value)]));
  const first = sessions.renew('a');
  clock.advance(0);
  await first;
  expect(told).toEqual([['renewed/me', ['a']]]);
  const more = ['b', 'c', 'b'].map((id) => sessions.renew(id));
  clock.advance(199);
  expect(told).toHaveLength(1);
  clock.advance(1);
  await Promise.all(more);
  expect(told.slice(1)).toEqual([['renewed/me', ['b', 'c']]]);
});

it('one that the leader could not be told of is refused, so that it is made again', async () => {
  let works = false;
  const { clock, sessions } = setUp(async () => {
    if (!works) throw new Error('no majority');
  });
  const refused = sessions.renew('a');
  const isRefused = expect(refused).rejects.toMatchObject({ code: 'store.no_leader' });
  clock.advance(0);
  await isRefused;
  works = true;
  let done = false;
  void sessions.renew('a').then(() => {
    done = true;
  });
  clock.advance(200);
  await soon(() => expect(done).toBe(true));
});

it('who led until it stood still tells the one that may lead now', async () => {
  const told: unknown[] = [];
  let leads = true;
  const leadership: Leadership = { ...soleLeadership('me'), leads: () => leads };
  const { clock, sessions } = setUp(async (_, value) => void told.push(JSON.parse(value)), leadership);
  await sessions.renew('a');
  expect(told).toEqual([]);
  leads = false;
  const renewed = sessions.renew('a');
  clock.advance(0);
  await renewed;
  expect(told).toEqual([['a']]);
});
