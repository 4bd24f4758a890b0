import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { openTestStore, startEtcd, type TestEtcd } from '../store/etcd/etcd.test-support.ts';
import type { EtcdStore } from '../store/etcd/store.ts';
import { Book, type Entry } from './book.ts';
import type { Gossip } from './gossip.ts';
import { Presence } from './liveness.ts';
import { MembershipFile, ordinalOf } from './membership.ts';
import { Roster } from './roster.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-roster-'));
let etcd: TestEtcd;
let store: EtcdStore;
let roster: Roster;

beforeAll(async () => {
  etcd = await startEtcd();
  store = await openTestStore(etcd);
  const [self] = await store.client.members();
  const peerPort = Number(self?.peerUrls[0]?.split(':').at(-1));
  const book = new Book(entryOf('own', 1), folder, silentLogger);
  const file = new MembershipFile(folder);
  file.set({
    ...{ id: 'cluster', coordinator: 'own', peerPort, servers: { 0: 'own' } },
    ...{ state: 'member', ordinal: 0, isNew: true },
  });
  roster = new Roster({
    ...{ store, book, file, expect: 1, clock: systemClock, logger: silentLogger },
    gossip: {} as Gossip,
    presence: new Presence('own', systemClock),
  });
  await roster.begin();
});

afterAll(async () => {
  await store?.close();
  await etcd?.stop();
  rmSync(folder, { recursive: true });
});

const entryOf = (id: string, port: number): Entry => ({
  id,
  name: id,
  host: '127.0.0.1',
  port,
  version: '',
  sequence: 1,
});

it('takes in a server that etcd has taken in without its answer having come', async () => {
  const { client } = store;
  const add = client.addMember.bind(client);
  client.addMember = async (...how) => {
    client.addMember = add;
    await add(...how);
    throw new Error('no answer within 2500 ms');
  };
  const entry = entryOf('new', 2);
  await expect(roster.admit(entry)).rejects.toMatchObject({ code: 'cluster.refused' });
  const { ordinal, peerPort } = await roster.admit(entry);
  const members = await client.members();
  expect(members.map(({ peerUrls }) => ordinalOf(peerPort, peerUrls[0])).sort()).toEqual([0, ordinal]);
});
