import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { openTestStore, startEtcd, type TestEtcd } from '../store/etcd/etcd.test-support.ts';
import type { EtcdStore } from '../store/etcd/store.ts';
import { startLeadership } from './leadership.ts';

let etcd: TestEtcd;
let store: EtcdStore;

beforeAll(async () => {
  etcd = await startEtcd();
  store = await openTestStore(etcd);
});

afterAll(async () => {
  await store?.close();
  await etcd?.stop();
});

it('a server that led before it was started again, or before etcd was away, leads on when that lease ends', async () => {
  const { client, signals } = store;
  const before = await client.grantLease(60);
  await signals.claim('leader', 'me', { lease: before, revision: 0 });
  const leadership = await startLeadership({ store, self: 'me', clock: systemClock, logger: silentLogger });
  const ends: unknown[] = [];
  leadership.whileLeading(() => () => void ends.push('ended'));
  expect(leadership.leads()).toBe(true);

  const isSeen = new Promise<void>((resolve) => {
    signals.subscribe((name) => name === 'later' && resolve());
  });
  await client.revokeLease(before);
  await signals.put('later', '', 0n);
  await isSeen;
  expect([leadership.leads(), ...ends]).toEqual([true]);
  await leadership.stop();
});
