import { afterEach, expect, it } from 'vitest';
import type { Catalog } from '../catalog/catalog.ts';
import { register } from '../catalog/commands/register.ts';
import { checkRow, NODE, serviceRow } from '../catalog/rows.test-support.ts';
import { followCatalog } from '../discovery/catalog.ts';
import { silentLogger } from '../lib/log.ts';
import { CounterReader, Counters, createCounterBlock, SLOTS } from '../proxy/counters.ts';
import { type Router, startRouter } from '../route/router.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { trafficOf } from './traffic.ts';

let router: Router | undefined;
afterEach(() => router?.stop());

const openStore = () =>
  openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });

/** Puts an instance in; its tags lead to "/web" and to a path of its own. */
const put = (store: Store, id: string, status: 'passing' | 'critical', port: number, tags?: string[]) =>
  store.write((tx) =>
    register(tx, {
      node: { ...NODE, name: 'n1' },
      service: { ...serviceRow(id, 'web', tags ?? ['urlprefix-/web', `urlprefix-/${id}`]), port },
      checks: [{ ...checkRow(`c-${id}`, id), name: 'alive', status, type: 'http' }],
    }),
  );

async function catalogWith(instances: Record<string, 'passing' | 'critical'>): Promise<Catalog> {
  const store = openStore();
  for (const [at, [id, status]] of Object.entries(instances).entries())
    await put(store, id, status, 8000 + at);
  return store.catalog;
}

function started(catalog: Catalog, ejected: string[] = [], capacity = SLOTS) {
  const counters = new CounterReader();
  const block = createCounterBlock();
  counters.add(block);
  const slots = { capacity };
  router = startRouter({
    discover: (listener, concerns) => followCatalog({ catalog, concerns }, listener),
    publish: () => {},
    slots,
    log: silentLogger,
    whenNoneHealthy: 'unavailable',
  });
  const traffic = trafficOf({
    catalog,
    router,
    counters,
    entrances: [
      { address: '127.0.0.1:9999', protocol: 'http' },
      { address: '127.0.0.1:5433', protocol: 'tcp' },
    ],
    ejections: () =>
      ejected.map((id) => ({ id, host: '10.0.0.1', port: 8000, slot: 3, why: 'refused', since: 5 })),
  });
  return { traffic, written: new Counters(block), router };
}

it('an explanation names the route and every candidate with its state and reason', async () => {
  const { traffic } = started(await catalogWith({ a: 'passing', b: 'critical', c: 'passing' }), ['n1/c']);
  const { route, steps } = traffic.explain(new URL('http://any.test/web/x'));
  expect(route).toBe('/web');
  expect(
    steps.filter(({ kind }) => kind === 'candidate').map(({ title, taken, state }) => [title, taken, state]),
  ).toEqual([
    ['a at 10.0.0.1:8000', true, 'passing'],
    ['b at 10.0.0.1:8001', false, 'critical'],
    ['c at 10.0.0.1:8002', false, 'ejected'],
  ]);
});

it('a request that no route takes ends at 404, one whose instances are all out at 503', async () => {
  const { traffic } = started(await catalogWith({ a: 'critical' }));
  expect(traffic.explain(new URL('http://any.test/other')).steps.at(-1)).toMatchObject({
    kind: 'end',
    title: '404',
  });
  expect(traffic.explain(new URL('http://any.test/web')).steps.at(-1)).toMatchObject({
    kind: 'end',
    title: '503',
  });
});

it('an explanation knows ports: those of the scheme count as none, others as written', async () => {
  const store = openStore();
  await put(store, 'a', 'passing', 8000, ['urlprefix-shop.test/', 'urlprefix-safe.test:443/']);
  const { traffic } = started(store.catalog);
  const routeOf = (url: string) => traffic.explain(new URL(url)).route;
  expect(routeOf('http://shop.test:80/x')).toBe('shop.test/');
  expect(routeOf('https://safe.test/x')).toBe('safe.test:443/');
  expect(routeOf('http://safe.test/x')).toBeNull();
  const { route, steps } = traffic.explain(new URL('http://shop.test:9999/x'));
  expect(route).toBeNull();
  expect(steps.at(-1)?.reason).toContain('shop.test/ takes it for the host shop.test');
});

it('a TCP route of a port that nobody listens on is among the problems', async () => {
  const store = openStore();
  await put(store, 'a', 'passing', 8000, ['urlprefix-:5432 proto=tcp', 'urlprefix-:5433 proto=tcp']);
  const { traffic } = started(store.catalog);
  expect(traffic.problems().map(({ place }) => place)).toEqual(['TCP route :5432 (web)']);
});

it('what a worker counts in a slot shows at its route and its instance', async () => {
  const { traffic, written, router } = started(await catalogWith({ a: 'passing' }));
  const [route] = router.routes();
  written.answered(route!.slot, route!.targets[0]!.slot, 500, 3);
  const { overall, routes, targets } = traffic.sample();
  expect([overall.errors, routes[0]?.errors, targets[0]?.errors]).toEqual([1, 1, 1]);
  expect(targets[0]).toMatchObject({ service: 'web', address: '10.0.0.1:8000' });
  expect(Array.from(targets[0]!.latency).reduce((a, b) => a + b, 0)).toBe(1);
});

it('an instance or a route that nobody asked has no figures: there may be very many', async () => {
  const { traffic, written, router } = started(await catalogWith({ a: 'passing', b: 'passing' }));
  expect(traffic.sample()).toMatchObject({ targets: [], routes: [] });
  const [route] = router.routes();
  written.answered(route!.slot, route!.targets[1]!.slot, 200, 3);
  const { routes, targets } = traffic.sample();
  expect(routes.map(({ key }) => key)).toEqual(['/web']);
  expect(targets.map(({ address }) => address)).toEqual(['10.0.0.1:8001']);
});

it('routes that did not change are not made again when others do: there may be tens of thousands', async () => {
  const store = openStore();
  await put(store, 'a', 'passing', 8000);
  await put(store, 'b', 'passing', 8001);
  const { traffic } = started(store.catalog);
  const before = new Map(traffic.routes().map((route) => [route.path, route]));
  await put(store, 'b', 'passing', 8009);
  const after = new Map(traffic.routes().map((route) => [route.path, route]));
  expect(after.get('/a')).toBe(before.get('/a'));
  expect(after.get('/b')).not.toBe(before.get('/b'));
  expect(after.get('/b')?.targets[0]?.address).toBe('10.0.0.1:8009');
});

it('those that found no slot of their own have no figures, whatever the others count', async () => {
  const { traffic, written, router } = started(await catalogWith({ a: 'passing', b: 'passing' }), [], 2);
  const shared = router.routes().filter(({ slot }) => slot === 0);
  expect(shared.length).toBeGreaterThan(1);
  written.answered(0, 0, 200, 3);
  expect(traffic.sample()).toMatchObject({ targets: [], routes: [] });
});
