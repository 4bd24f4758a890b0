import { expect, it } from 'vitest';
import { register } from '../catalog/commands/register.ts';
import { createSession, destroySession } from '../catalog/commands/session.ts';
import { ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { openMemoryStore } from '../store/memory.ts';
import { startSessionExpiry } from './session-expiry.ts';

const node = { id: '', name: 'n', address: '10.0.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };

async function setUp() {
  const clock = new ManualClock();
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  await store.write((tx) => register(tx, { node }));
  const create = (id: string, ttl: string) =>
    store.write((tx) =>
      createSession(tx, {
        id,
        ttl,
        name: '',
        node: 'n',
        nodeChecks: [],
        checks: [],
        serviceChecks: [],
        behavior: 'release',
        lockDelay: 0,
      }),
    );
  const expiry = () => startSessionExpiry({ store, clock, logger: silentLogger });
  const left = () => store.catalog.all('sessions').map(({ id }) => id);
  return { clock, store, create, expiry, left };
}

it('a session ends after two of its TTLs, counted anew with each renewal', async () => {
  const { clock, create, expiry, left } = await setUp();
  const sessions = expiry();
  await create('a', '10s');
  await create('b', '10s');
  await create('for-ever', '');
  clock.advance(15_000);
  await sessions.renew('a');
  clock.advance(4999);
  expect(left()).toEqual(['a', 'b', 'for-ever']);
  clock.advance(1);
  await soon(() => expect(left()).toEqual(['a', 'for-ever']));
  clock.advance(15_000);
  await soon(() => expect(left()).toEqual(['for-ever']));
  await sessions.stop();
});

it('sessions that were there before have their whole time', async () => {
  const { clock, store, create, expiry, left } = await setUp();
  await create('a', '10s');
  await create('gone', '10s');
  clock.advance(60_000);
  const sessions = expiry();
  await store.write((tx) => destroySession(tx, 'gone'));
  clock.advance(19_999);
  expect(left()).toEqual(['a']);
  clock.advance(1);
  await soon(() => expect(left()).toEqual([]));
  await sessions.stop();
});

it('nothing ends any more once it is stopped', async () => {
  const { clock, create, expiry, left } = await setUp();
  const sessions = expiry();
  await create('a', '10s');
  await sessions.stop();
  await sessions.stop();
  clock.advance(60_000);
  expect(left()).toEqual(['a']);
});

it('a program that stood still hears of renewals that came meanwhile before it ends anything', async () => {
  const { clock, create, expiry, left } = await setUp();
  const sessions = expiry();
  await create('renewed', '10s');
  await create('silent', '10s');
  clock.advance(19_000);
  // Stopped, or its time was set.
  const now = clock.now.bind(clock);
  clock.now = () => now() + 30_000;
  clock.advance(1_100);
  await sessions.renew('renewed');
  expect(left()).toEqual(['renewed', 'silent']);
  clock.advance(1_000);
  await soon(() => expect(left()).toEqual(['renewed']));
  await sessions.stop();
});

it('a session that is renewed before its end is committed lives on', async () => {
  const { clock, store, create } = await setUp();
  const waiting: (() => void)[] = [];
  const slow = {
    ...store,
    write: async <Answer>(command: Parameters<typeof store.write<Answer>>[0]) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return store.write(command);
    },
  };
  const sessions = startSessionExpiry({ store: slow, clock, logger: silentLogger });
  await create('a', '10s');
  clock.advance(20_000);
  await sessions.renew('a');
  waiting.shift()?.();
  await soon(() => expect(waiting).toEqual([]));
  await store.write(() => {});
  expect(store.catalog.get('sessions', 'a')).toBeDefined();
  await sessions.stop();
});
