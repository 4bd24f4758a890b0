import { expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { noLeader } from '../store/etcd/commits.ts';
import { openMemoryStore } from '../store/memory.ts';
import { Roster, type RosterOptions } from './roster.ts';

const SERVERS = { 0: 'a', 1: 'b', 2: 'c' };

it('those who founded the cluster are written down by who leads later, when there was no leader at its beginning', async () => {
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  let isThere = false;
  const roster = new Roster({
    store: {
      ...store,
      write: (command) => (isThere ? store.write(command) : Promise.reject(noLeader())),
      client: { members: async () => [] } as unknown as RosterOptions['store']['client'],
    } as RosterOptions['store'],
    file: { get: () => ({ servers: SERVERS, peerPort: 2380 }) } as unknown as RosterOptions['file'],
    book: { self: { id: 'a' }, get: () => undefined } as unknown as RosterOptions['book'],
    presence: { of: () => 'there' } as unknown as RosterOptions['presence'],
    gossip: {} as RosterOptions['gossip'],
    expect: 3,
    clock: new ManualClock(1_000_000),
    logger: silentLogger,
  });
  await roster.begin();
  expect(roster.ordinals()).toEqual({});
  isThere = true;
  const end = roster.lead();
  await soon(() => expect(roster.ordinals()).toEqual(SERVERS));
  end();
});
