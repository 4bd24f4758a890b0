import { expect, it } from 'vitest';
import { kvDelete, kvSet } from '../catalog/commands/kv.ts';
import { ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import { startHousekeeping } from './housekeeping.ts';

it('forgets deletions after 15 minutes, not before, and moves no index when there is nothing to forget', async () => {
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const clock = new ManualClock(Date.now());
  const stop = startHousekeeping({ store, clock, logger: silentLogger });
  await store.write((tx) => {
    kvSet(tx, { key: 'a', value: new Uint8Array(), flags: 0n });
  });
  await store.write((tx) => kvDelete(tx, 'a'));
  const { index } = store.catalog;
  clock.advance(14 * 60_000);
  expect(store.catalog.count('tombstones')).toBe(1);
  expect(store.catalog.index).toBe(index);
  clock.advance(2 * 60_000);
  expect(store.catalog.count('tombstones')).toBe(0);
  stop();
});
