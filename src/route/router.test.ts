import { describe, expect, it } from 'vitest';
import { deregisterNode, deregisterService, updateCheck } from '../catalog/commands/register.ts';
import { followCatalog } from '../discovery/catalog.ts';
import { silentLogger } from '../lib/log.ts';
import { PLAIN_HANDLING } from './handling.ts';
import { type Given, nodeCheck, start, write } from './router.test-support.ts';
import { startRouter } from './router.ts';
import type { RouteDelta } from './spec.ts';

describe('router', () => {
  it('publishes a route in the tick of the commit that brings its instance, with one delta for all of it', async () => {
    const { store, deltas } = start();
    let atCommit = -1;
    store.catalog.feed.subscribe(() => {
      atCommit = deltas.length;
    });
    await write(store, { id: 'a', tags: ['urlprefix-o.test/foo strip=/foo', 'urlprefix-/x', 'v1'] });
    expect(atCommit).toBe(1);
    expect(deltas).toEqual([
      {
        version: 1,
        changed: [
          {
            id: 'o.test/foo',
            service: 'web',
            host: 'o.test',
            path: '/foo',
            kind: 'http',
            handlings: [{ ...PLAIN_HANDLING, strip: '/foo' }],
            strategy: 'rr',
            slot: expect.any(Number),
            targets: [{ id: 'node-a/a', host: '127.0.0.1', port: 80, weight: 1, slot: expect.any(Number) }],
          },
          expect.objectContaining({ id: '/x', host: '', path: '/x', handlings: [PLAIN_HANDLING] }),
        ],
        patched: [],
        removed: [],
      },
    ]);
  });

  it('knows at its start what was registered before', async () => {
    const { store } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    const deltas: RouteDelta[] = [];
    const slots = { capacity: 10 };
    const router = startRouter({
      discover: (listener, concerns) => followCatalog({ catalog: store.catalog, concerns }, listener),
      publish: (delta) => deltas.push(delta),
      slots,
      log: silentLogger,
    });
    expect(deltas[0]?.changed.map(({ id }) => id)).toEqual(['/']);
    expect(router.snapshot()).toEqual(deltas[0]);
    router.stop();
  });

  // As arguments of one call they were too many for the stack, and the agent did not start.
  it('takes more instances at its start than a call may have arguments', () => {
    const changes = Array.from({ length: 200_000 }, (_, at) => ({
      id: `node/${at}`,
      before: undefined,
      after: undefined,
    }));
    const router = startRouter({
      discover(listener) {
        listener(changes);
        return { instances: () => [].values(), resync() {}, stop() {} };
      },
      publish: () => {},
      slots: { capacity: 10 },
      log: silentLogger,
    });
    expect(router.routes()).toEqual([]);
    router.stop();
  });

  it('finds the instances of a service that gets copies when a tag first asks for them, and follows them while one does', async () => {
    const { store, router } = start();
    await write(store, { id: 's', name: 'shadow', tags: ['v1'] });
    const copies = () =>
      router
        .snapshot()
        .changed.filter(({ kind }) => kind === 'mirror')
        .flatMap(({ targets }) => targets.map(({ id }) => id));
    await write(store, { id: 'a', tags: ['urlprefix-/ mirror=shadow'] });
    expect(copies()).toEqual(['node-s/s']);
    await write(store, { id: 't', name: 'shadow', tags: [] });
    expect(copies().toSorted()).toEqual(['node-s/s', 'node-t/t']);
    await store.write((tx) => deregisterService(tx, 'node-s', 's'));
    expect(copies()).toEqual(['node-t/t']);
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    expect(copies()).toEqual([]);
  });

  it('says nothing when nothing of it changed: outputs, other services, a check that passes again', async () => {
    const { store, deltas, router } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    const routes = router.routes();
    await store.write((tx) => updateCheck(tx, 'node-a', 'c0-a', { status: 'passing', output: 'fine' }));
    await write(store, { id: 'db', name: 'db', tags: ['primary'] });
    await nodeCheck(store, 'node-a', 'disk', 'critical');
    router.resync();
    expect(deltas).toHaveLength(1);
    expect(routes).toHaveLength(1);
  });

  it('follows instances that come, fail, recover and go', async () => {
    const { store, asked, deltas } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] }, { id: 'b', tags: ['urlprefix-/'] });
    expect(asked('h', '/', 4)).toEqual(['node-a/a', 'node-a/a', 'node-b/b', 'node-b/b']);
    await store.write((tx) => updateCheck(tx, 'node-b', 'c0-b', { status: 'critical', output: '' }));
    expect(asked('h', '/', 2)).toEqual(['node-a/a', 'node-a/a']);
    await store.write((tx) => updateCheck(tx, 'node-b', 'c0-b', { status: 'passing', output: '' }));
    expect(asked('h', '/', 2)).toEqual(['node-a/a', 'node-b/b']);
    await store.write((tx) => deregisterService(tx, 'node-a', 'a'));
    expect(asked('h', '/', 2)).toEqual(['node-b/b', 'node-b/b']);
    await store.write((tx) => deregisterNode(tx, 'node-b'));
    expect(asked('h', '/')).toEqual(['no route']);
    expect(deltas.at(-1)).toMatchObject({ changed: [], removed: ['/'] });
  });

  it('the same service ID on two nodes is two instances', async () => {
    const { store, asked } = start();
    await write(
      store,
      { id: 'same', node: 'n1', tags: ['urlprefix-/'] },
      { id: 'same', node: 'n2', tags: ['urlprefix-/'], checks: ['critical'] },
    );
    expect(asked('h', '/', 2)).toEqual(['n1/same', 'n1/same']);
  });

  it('an address of its own comes before that of the node', async () => {
    const { store, deltas } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'], address: '' });
    expect(deltas[0]?.changed[0]?.targets[0]?.host).toBe('10.0.0.1');
  });

  it('shares by the weights of tags, or by those of the registration', async () => {
    const { store, deltas } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-/t weight=0.2', 'urlprefix-/r'], weights: { passing: 3, warning: 1 } },
      { id: 'b', tags: ['urlprefix-/t', 'urlprefix-/r'] },
    );
    const weights = deltas[0]?.changed.map(({ id, targets }) => [id, targets.map(({ weight }) => weight)]);
    expect(weights).toEqual([
      ['/t', [0.2, 0.8]],
      ['/r', [3, 1]],
    ]);
  });

  it('services that ask for the same place share it', async () => {
    const { store, asked, router } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] }, { id: 'b', name: 'api', tags: ['urlprefix-/'] });
    expect(asked('h', '/', 2)).toEqual(['node-a/a', 'node-b/b']);
    expect(router.routes()[0]?.service).toBe('api, web');
    await store.write((tx) => deregisterService(tx, 'node-a', 'a'));
    expect(asked('h', '/', 2)).toEqual(['node-b/b', 'node-b/b']);
    expect(router.routes()[0]?.service).toBe('api');
  });

  it('without a healthy instance the next best route answers, or the route itself where that is wanted', async () => {
    const given: Given[] = [
      { id: 'a', tags: ['urlprefix-/'] },
      { id: 'b', name: 'api', tags: ['urlprefix-/api'], checks: ['critical'] },
    ];
    const missing = start();
    await write(missing.store, ...given);
    expect(missing.asked('h', '/api')).toEqual(['node-a/a']);
    const unavailable = start({ whenNoneHealthy: 'unavailable' });
    await write(unavailable.store, ...given);
    expect(unavailable.asked('h', '/api')).toEqual([undefined]);
    await unavailable.store.write((tx) => deregisterService(tx, 'node-b', 'b'));
    expect(unavailable.asked('h', '/api')).toEqual(['node-a/a']);
  });

  it('of many targets only those that changed are sent, and the worker ends with the same', async () => {
    const { store, deltas, asked, router } = start();
    const all = Array.from(
      { length: 40 },
      (_, i): Given => ({ id: `i${i}`, tags: ['urlprefix-/'], port: i + 1 }),
    );
    await write(store, ...all);
    await write(store, { id: 'i7', tags: ['urlprefix-/'], port: 777 });
    await store.write((tx) => deregisterService(tx, 'node-i9', 'i9'));
    await write(store, { id: 'new', tags: ['urlprefix-/'] });
    expect(deltas.slice(1).map(({ changed, patched }) => [changed.length, patched])).toEqual([
      [0, [{ id: '/', set: [expect.objectContaining({ id: 'node-i7/i7', port: 777 })], gone: [] }]],
      [0, [{ id: '/', set: [], gone: ['node-i9/i9'] }]],
      [0, [{ id: '/', set: [expect.objectContaining({ id: 'node-new/new' })], gone: [] }]],
    ]);
    const wanted = router.snapshot().changed[0]?.targets.map(({ id }) => id);
    expect(asked('h', '/', 40)).toEqual(wanted?.sort());
  });

  it('an instance keeps its slot while it is registered; its routes have their own', async () => {
    const { store, router } = start();
    const slots = () => router.snapshot().changed.map(({ slot, targets }) => [slot, targets[0]?.slot]);
    await write(store, { id: 'a', tags: ['urlprefix-/x', 'urlprefix-/y'] });
    const [[x, a] = [], [y, again] = []] = slots();
    expect(again).toBe(a);
    expect(new Set([a, x, y]).size).toBe(3);
    await store.write((tx) => updateCheck(tx, 'node-a', 'c0-a', { status: 'critical', output: '' }));
    await store.write((tx) => updateCheck(tx, 'node-a', 'c0-a', { status: 'passing', output: '' }));
    expect(slots()).toEqual([
      [x, a],
      [y, a],
    ]);
  });

  it('instances that ask for different things share a route, each with its own handling', async () => {
    const { store, router } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-/p strip=/p'] },
      { id: 'b', tags: ['urlprefix-/p strip=/p'] },
      { id: 'c', tags: ['urlprefix-/p'] },
    );
    const [spec] = router.snapshot().changed;
    expect(spec?.handlings.map(({ strip }) => strip)).toEqual(['/p', '']);
    expect(spec?.targets.map(({ id, arm }) => [id, arm])).toEqual([
      ['node-a/a', undefined],
      ['node-b/b', undefined],
      ['node-c/c', 1],
    ]);
  });

  it('explains which route takes a request, who shares it, and why the others do not', async () => {
    const { store, router } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-/', 'urlprefix-h.test/', 'urlprefix-*.test/api', 'urlprefix-h.test/api'] },
      { id: 'b', tags: ['urlprefix-h.test/api'], checks: ['critical'] },
      { id: 'c', tags: ['urlprefix-h.test/api/v1'], checks: [] },
    );
    const { host, path, route, passedOver } = router.explain('H.test:80', '/api%2Fv1');
    expect([host, path]).toEqual(['h.test', '/api/v1']);
    expect(route?.id).toBe('h.test/api');
    expect(route?.targets.map(({ instance, share, out }) => [instance, share, out])).toEqual([
      ['node-a/a', 1, ''],
      ['node-b/b', 0, 'check "c0-b" is critical'],
    ]);
    expect(passedOver.map(({ route: { id }, reason }) => [id, reason])).toEqual([
      ['h.test/api/v1', expect.stringMatching(/none of its instances.*no check of its own/)],
      ['h.test/', '/api is the longer path'],
      ['*.test/api', 'h.test is the more specific host'],
      ['/', 'a route of the host (h.test) comes first'],
    ]);
    expect(router.explain('h.test', 'nonsense').route).toBeUndefined();
  });

  it('a change of one service costs no work for the others: the old table is shared', async () => {
    const { store, deltas } = start();
    const many = Array.from(
      { length: 300 },
      (_, i): Given => ({ id: `s${i}`, tags: [`urlprefix-h${i}.test/`] }),
    );
    await write(store, ...many);
    await write(store, { id: 's5', tags: ['urlprefix-h5.test/', 'urlprefix-h5.test/new'] });
    expect(deltas.at(-1)?.changed.map(({ id }) => id)).toEqual(['h5.test/new']);
  });
});
