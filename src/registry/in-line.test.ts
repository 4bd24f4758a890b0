import { describe, expect, it } from 'vitest';
import {
  deregisterCheck,
  deregisterNode,
  deregisterService,
  register,
  updateCheck,
} from '../catalog/commands/register.ts';
import { putSetting } from '../catalog/commands/setting.ts';
import { serviceKey } from '../catalog/tables.ts';
import { MusterError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { nodeRow } from './node.ts';
import {
  check,
  checkRow,
  inService,
  NODE,
  rowOf,
  service,
  settle,
  setUp,
  TTL,
} from './world.test-support.ts';

describe('reconciliation', () => {
  it('removes what this node does not register and leaves other nodes alone, at the start', async () => {
    const { registry, store } = await setUp();
    await registry.stop();
    const ghost = (name: string) => {
      const { checks: _none, ...row } = service(name, { id: name });
      return { ...row, taggedAddresses: null };
    };
    const other = { ...nodeRow({ ...NODE, id: '', name: 'n2' }) };
    await store.write((tx) => {
      register(tx, { node: nodeRow(NODE), service: ghost('ghost') });
      register(tx, { node: other, service: ghost('theirs') });
    });
    await setUp({ store });
    expect(rowOf(store, 'ghost')).toBeUndefined();
    expect(store.catalog.get('services', serviceKey('n2', 'theirs'))).toBeDefined();
  });

  it('puts back what somebody else took away or changed', async () => {
    const { registry, store, clock } = await setUp();
    await registry.registerService(service('web', { port: 80, tags: ['own'], checks: [inService(TTL)] }));
    await store.write((tx) => deregisterService(tx, 'n1', 'web'));
    await store.write((tx) => deregisterCheck(tx, 'n1', 'serfHealth'));
    expect(rowOf(store, 'web')).toBeUndefined();
    clock.advance(5_000);
    await settle();
    expect(rowOf(store, 'web')).toMatchObject({ port: 80, tags: ['own'] });
    expect(checkRow(store, 'service:web')).toBeDefined();
    expect(checkRow(store, 'serfHealth')).toBeDefined();
  });

  it('puts the node back with all that is on it', async () => {
    const { registry, store, clock } = await setUp();
    await registry.registerService(service('web', { checks: [inService(TTL)] }));
    await store.write((tx) => deregisterNode(tx, 'n1'));
    clock.advance(5_000);
    await settle();
    expect(store.catalog.get('nodes', 'n1')?.id).toBe(NODE.id);
    expect(rowOf(store, 'web')).toBeDefined();
    expect(checkRow(store, 'service:web')).toBeDefined();
  });

  it('follows tags that were changed from outside where the service allows it', async () => {
    const { registry, store, clock } = await setUp();
    const change = (name: string) => {
      const { checks: _none, ...row } = service(name, {
        id: name,
        tags: ['outside'],
        enableTagOverride: true,
      });
      return store.write((tx) =>
        register(tx, {
          node: nodeRow(NODE),
          skipNodeUpdate: true,
          service: { ...row, taggedAddresses: null },
        }),
      );
    };
    await registry.registerService(service('free', { tags: ['own'], enableTagOverride: true }));
    await registry.registerService(service('fixed', { tags: ['own'] }));
    await change('free');
    await change('fixed');
    clock.advance(120_000);
    await settle();
    expect(rowOf(store, 'free')?.tags).toEqual(['outside']);
    expect(registry.service('free')?.tags).toEqual(['outside']);
    expect(rowOf(store, 'fixed')).toMatchObject({ tags: ['own'], enableTagOverride: false });
  });

  it('tries again when the catalog could not be written', async () => {
    const { store: inner } = await setUp();
    let broken = false;
    const store: Store = {
      ...inner,
      write: (command) =>
        broken ? Promise.reject(new MusterError('store.write_failed', 'disk full')) : inner.write(command),
    };
    const { registry, clock } = await setUp({ store });
    broken = true;
    await expect(registry.registerService(service('web'))).rejects.toThrow('disk full');
    broken = false;
    clock.advance(1_000);
    await settle();
    expect(rowOf(inner, 'web')).toBeDefined();
  });

  it('leaves nothing in the catalog when it leaves', async () => {
    const { registry, store } = await setUp();
    await registry.registerService(service('web', { checks: [inService(TTL)] }));
    await registry.leave();
    expect(store.catalog.count('nodes')).toBe(0);
    expect(store.catalog.count('services')).toBe(0);
    expect(store.catalog.count('checks')).toBe(0);
  });

  it('is noted to have left in the commit that takes it out: nobody sees it noted and still there', async () => {
    const { registry, store } = await setUp();
    const seen: [nodes: number, settings: number][] = [];
    store.catalog.feed.subscribe(() =>
      seen.push([store.catalog.count('nodes'), store.catalog.count('settings')]),
    );
    await registry.leave((tx) => putSetting(tx, { name: 'left', value: {} }));
    expect(seen).toEqual([[0, 1]]);
  });

  it('is not brought back by a write that those who keep the truth come to only after it left', async () => {
    const { store: inner } = await setUp();
    let later: (() => void) | undefined;
    let isLate = false;
    const write: Store['write'] = async (command) => {
      if (isLate && later === undefined)
        await new Promise<void>((resolve) => {
          later = resolve;
        });
      return inner.write(command);
    };
    const { registry } = await setUp({ store: { ...inner, catalog: inner.catalog, write } });
    isLate = true;
    const registering = registry.registerService(service('web'));
    await registry.leave();
    later?.();
    await registering;
    expect(inner.catalog.count('nodes')).toBe(0);
  });
});

describe('a second agent with the name of one that is there', () => {
  const OTHER = { ...NODE, id: '0f6d1f2e-0000-4000-8000-000000000002', address: '127.0.0.2' };
  /** Of nodes that are not alone: one that cannot be registered goes on, and tries again. */
  const remote: NonNullable<Store['remote']> = {
    isLoaded: true,
    contact: () => ({ known: true, silence: 0 }),
    refresh: async () => {},
  };

  async function twoOfOneName() {
    const first = await setUp();
    const shared = { ...first.store, catalog: first.store.catalog, remote };
    const second = await setUp({ store: shared, node: OTHER });
    return { first, second, store: first.store };
  }

  it('is refused with the reason; nothing of it comes to lie at the address of the other', async () => {
    const { first, second, store } = await twoOfOneName();
    await first.registry.registerService(service('web', { port: 80 }));
    const registering = second.registry.registerService(service('web', { port: 81 }));
    await expect(registering).rejects.toThrow(/Node name n1 is reserved by node .*1 with name n1/);
    await expect(second.registry.registerService(service('api'))).rejects.toThrow('is reserved by node');
    expect(rowOf(store, 'web')?.port).toBe(80);
    expect(rowOf(store, 'api')).toBeUndefined();
  });

  it('takes nothing of the other away when it leaves, and does not note that it left', async () => {
    const { first, second, store } = await twoOfOneName();
    await first.registry.registerService(service('web'));
    let noted = 0;
    await second.registry.leave(() => noted++);
    expect(store.catalog.get('nodes', 'n1')?.id).toBe(NODE.id);
    expect(rowOf(store, 'web')).toBeDefined();
    expect(noted).toBe(0);
  });

  it('has the name once the other one is gone, with what is registered on it alone', async () => {
    const { first, second, store } = await twoOfOneName();
    await first.registry.registerService(service('old'));
    await second.registry.registerService(service('new')).catch(() => {});
    await first.registry.stop();
    await store.write((tx) => updateCheck(tx, 'n1', 'serfHealth', { status: 'critical', output: '' }));
    second.clock.advance(60_000);
    await settle();
    expect(store.catalog.get('nodes', 'n1')).toMatchObject({ id: OTHER.id, address: OTHER.address });
    expect(rowOf(store, 'new')).toBeDefined();
    expect(rowOf(store, 'old')).toBeUndefined();
  });
});

describe('definitions from the configuration', () => {
  const definitions = {
    services: [service('fixed', { port: 1, checks: [inService(TTL, { id: 'fixed-c', status: 'passing' })] })],
    checks: [check('disk', TTL)],
  };

  it('are there from the start, and back after a reload', async () => {
    const { registry, store } = await setUp({ definitions });
    expect(rowOf(store, 'fixed')?.port).toBe(1);
    expect(checkRow(store, 'fixed-c')?.status).toBe('passing');
    await registry.deregisterService('fixed');
    await registry.reload(definitions);
    expect(rowOf(store, 'fixed')?.port).toBe(1);
  });

  it('go with a reload that does not have them, while what came through the API stays', async () => {
    const { registry, store } = await setUp({ definitions });
    await registry.registerService(service('mine', { checks: [inService(TTL)] }));
    await registry.updateTtl('service:mine', 'passing', 'ok');
    await registry.updateTtl('disk', 'warning', 'full');
    await registry.reload({ services: [], checks: definitions.checks });
    expect(rowOf(store, 'fixed')).toBeUndefined();
    expect(checkRow(store, 'fixed-c')).toBeUndefined();
    expect(checkRow(store, 'disk')).toMatchObject({ status: 'warning', output: 'full' });
    expect(checkRow(store, 'service:mine')).toMatchObject({ status: 'passing' });
  });

  it('do not stop the others when one is wrong', async () => {
    const broken = service('broken', { checks: [inService({ args: ['true'], interval: 1000 })] });
    const { store } = await setUp({
      definitions: { ...definitions, services: [broken, ...definitions.services] },
    });
    expect(rowOf(store, 'broken')).toBeUndefined();
    expect(rowOf(store, 'fixed')).toBeDefined();
  });
});
