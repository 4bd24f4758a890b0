import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkKey, serviceKey } from '../catalog/tables.ts';
import { EMPTY_SPEC } from '../health/spec.ts';
import { ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import type { ScriptsFrom } from './admit.ts';
import type { ServiceDefinition, StaticDefinitions } from './definition.ts';
import { openLocalDisk } from './open-disk.ts';
import { startRegistry } from './registry.ts';

const path = mkdtempSync(join(tmpdir(), 'muster-restore-'));
afterAll(() => rmSync(path, { recursive: true, force: true }));

const NODE = {
  id: '0f6d1f2e-0000-4000-8000-000000000001',
  name: 'n1',
  address: '127.0.0.1',
  datacenter: 'dc1',
};
const memory = () =>
  openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });

function start(
  directory: string,
  clock: ManualClock,
  store: Store,
  definitions?: StaticDefinitions,
  scripts: ScriptsFrom = 'nobody',
) {
  return startRegistry({
    store,
    node: NODE,
    disk: openLocalDisk(join(path, directory)),
    clock,
    random: () => 0,
    logger: silentLogger,
    scripts,
    ...(definitions === undefined ? {} : { definitions }),
  });
}

const web: ServiceDefinition = {
  id: 'web-1',
  name: 'web',
  kind: '',
  tags: ['a'],
  address: '',
  port: 80,
  socketPath: '',
  taggedAddresses: {},
  meta: {},
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
  checks: [{ id: 'beat', name: '', notes: '', status: '', spec: { ...EMPTY_SPEC, ttl: 10_000 } }],
};

describe('a registry that comes back', () => {
  it('has its services, and heartbeats that are still good; later they are not', async () => {
    const clock = new ManualClock(1_000_000);
    const first = await start('beat', clock, memory());
    await first.registerService(web);
    await first.updateTtl('beat', 'passing', 'fine');
    clock.advance(4_000);
    await first.updateTtl('beat', 'passing', 'fine');
    await first.stop();

    clock.advance(9_000);
    const store = memory();
    const second = await start('beat', clock, store);
    expect(store.catalog.get('services', serviceKey('n1', 'web-1'))).toMatchObject({ name: 'web', port: 80 });
    expect(second.check('beat')).toMatchObject({ status: 'passing', output: 'fine' });
    clock.advance(1_000);
    expect(second.check('beat')).toMatchObject({ status: 'critical' });
    await second.stop();

    clock.advance(1_000);
    const third = await start('beat', clock, memory());
    expect(third.check('beat')).toMatchObject({
      status: 'critical',
      output: 'TTL expired (last output before timeout follows): fine',
    });
    await third.stop();
  });

  it('has probed checks as the catalog knows them, so that nothing leaves the rotation', async () => {
    const clock = new ManualClock(1_000_000);
    const store = memory();
    const probe = { ...EMPTY_SPEC, tcp: '127.0.0.1:1', interval: 60_000 };
    const first = await start('probe', clock, store);
    await first.registerService({
      ...web,
      checks: [{ id: 'p', name: '', notes: '', status: 'warning', spec: probe }],
    });
    await first.stop();
    await store.write((tx) => {
      const { createIndex: _c, modifyIndex: _m, ...row } = tx.get('checks', checkKey('n1', 'p'))!;
      tx.put('checks', { ...row, status: 'passing', output: 'well' });
    });
    const second = await start('probe', clock, store);
    expect(second.check('p')).toMatchObject({ status: 'passing', output: 'well' });
    await second.stop();
  });

  it('runs no program that it may not run any more, and does not take its service for healthy', async () => {
    const clock = new ManualClock(1_000_000);
    const store = memory();
    const spec = { ...EMPTY_SPEC, args: ['true'], interval: 60_000 };
    const first = await start('script', clock, store, undefined, 'anybody');
    await first.registerService({
      ...web,
      checks: [{ id: 's', name: '', notes: '', status: 'passing', spec }],
    });
    await first.stop();
    const second = await start('script', clock, store, undefined, 'config');
    expect(second.check('s')).toMatchObject({
      status: 'critical',
      output: expect.stringContaining('Scripts are disabled'),
    });
    expect(store.catalog.get('checks', checkKey('n1', 's'))).toMatchObject({ status: 'critical' });
    expect(second.counts.probed).toBe(0);
    await second.stop();
    const third = await start('script', clock, store, undefined, 'anybody');
    expect(third.counts.probed).toBe(1);
    await third.stop();
  });

  it('remembers maintenance and what was taken away', async () => {
    const clock = new ManualClock(1_000_000);
    const store = memory();
    const first = await start('away', clock, store);
    await first.registerService(web);
    await first.registerService({ ...web, id: 'web-2', checks: [] });
    await first.maintain('web-2', 'repair');
    await first.deregisterService('web-1');
    await first.stop();
    const second = await start('away', clock, store);
    expect(second.services().map(({ id }) => id)).toEqual(['web-2']);
    expect(second.checks()).toMatchObject([{ id: '_service_maintenance:web-2', notes: 'repair' }]);
    await second.stop();
  });

  it('takes the definition of the configuration from then on', async () => {
    const clock = new ManualClock(1_000_000);
    const store = memory();
    const first = await start('config', clock, store);
    await first.registerService(web);
    await first.stop();
    const configured = { services: [{ ...web, port: 81, checks: [] }], checks: [] };
    const second = await start('config', clock, store, configured);
    expect(second.service('web-1')?.port).toBe(81);
    await second.stop();
    const third = await start('config', clock, store);
    expect(third.service('web-1')).toBeUndefined();
    await third.stop();
  });
});
