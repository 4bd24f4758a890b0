import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ClientList } from './client-list.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A list with clients that are new or not, and what happens to them. */
function clients(...isNew: boolean[]) {
  const events: string[] = [];
  const list = new ClientList({ touch: () => Date.now() }, { draining: false, limits: { lameDuck: 300 } });
  const all = isNew.map((is, at) => {
    const client = {
      index: -1,
      session: {
        deadline: Number.POSITIVE_INFINITY,
        isNew: is,
        expired() {},
        drain() {
          events.push(`drain ${at}`);
          list.left(client);
        },
      },
      destroy() {},
    };
    list.add(client);
    return client;
  });
  const door = { stopAccepting: () => void events.push('closed'), early: () => 0, endEarly() {} };
  return { list, all, events, door };
}

it('ends idle connections once nobody is accepted any more', async () => {
  const { list, events, door } = clients(false, false);
  const drained = list.drain({ patience: 5_000, isReplaced: false }, door);
  await vi.advanceTimersByTimeAsync(299);
  expect(events).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  await drained;
  expect(events).toEqual(['closed', 'drain 0', 'drain 1']);
});

// Such a client does not send again what it lost: the connection had not been used before.
it('waits for the first request of who came in the last moment', async () => {
  const { list, all, events, door } = clients(false, true, true);
  const drained = list.drain({ patience: 5_000, isReplaced: false }, door);
  await vi.advanceTimersByTimeAsync(300);
  expect(events).toEqual(['closed', 'drain 0']);
  // One asks, is answered and closed; nothing comes from the other.
  list.left(all[1]!);
  await vi.advanceTimersByTimeAsync(299);
  expect(events).toEqual(['closed', 'drain 0']);
  await vi.advanceTimersByTimeAsync(1);
  await drained;
  expect(events).toEqual(['closed', 'drain 0', 'drain 2']);
});

it('does not wait longer than it has patience', async () => {
  const { list, events, door } = clients(true);
  const drained = list.drain({ patience: 400, isReplaced: false }, door);
  await vi.advanceTimersByTimeAsync(400);
  await drained;
  expect(events).toEqual(['closed', 'drain 0']);
});
