import { expect, it } from 'vitest';
import { checkKey } from '../catalog/tables.ts';
import { Schedule } from '../health/schedule.ts';
import { ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { LocalState } from './local.ts';
import { type LocalNode, memberRows } from './node.ts';
import { Sync } from './sync.ts';

const NODE: LocalNode = { id: '', name: 'n1', address: '127.0.0.1', datacenter: 'dc1' };
const CHECK = { ...memberRows(NODE).checks[0]!, id: 'c' };

it('writes what is true when the store comes to it, not what was true when it was asked', async () => {
  const inner = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  // As an agent that proposes its writes to a server: a quicker one may overtake a slow one.
  let slow: Promise<void> | undefined;
  const store: Store = {
    ...inner,
    write: async (command) => {
      const held = slow;
      slow = undefined;
      await held;
      return inner.write(command);
    },
  };
  const local = new LocalState();
  const sync = new Sync({
    store,
    local,
    node: NODE,
    schedule: new Schedule(new ManualClock(), (error) => {
      throw error;
    }),
    random: () => 0,
    logger: silentLogger,
  });
  for (const begin of [() => sync.reconcile(), () => sync.push([], ['c'])]) {
    let release = () => {};
    slow = new Promise((resolve) => {
      release = resolve;
    });
    local.putCheck({ ...CHECK, status: 'critical' });
    const overtaken = begin();
    local.putCheck({ ...CHECK, status: 'passing' });
    await sync.push([], ['c']);
    release();
    await overtaken;
    expect(inner.catalog.get('checks', checkKey('n1', 'c'))?.status).toBe('passing');
  }
});
