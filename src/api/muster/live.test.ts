import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deregisterService } from '../../catalog/commands/register.ts';
import type { Service } from '../../catalog/rows.ts';
import { silentLogger } from '../../lib/log.ts';
import { dashboardFixture, type Fixture } from './fixtures.ts';
import { startLive } from './live.ts';
import { Picture } from './picture.ts';
import type { Delta, InstanceView, RouteView, State } from './wire.ts';

let fixture: Fixture;

beforeEach(() => {
  fixture = dashboardFixture();
  fixture.follow();
});

afterEach(() => fixture.dashboard.stop());

const current = () => fixture.dashboard.live.current();
const instance = (id: string) =>
  [...current().instances.values()].find((one) => one.id === id) as InstanceView;
const texts = () => current().changes.map(({ text }) => text);

describe('the live picture', () => {
  it('shows an instance as soon as it is registered, and says so in words', async () => {
    await fixture.join('web', 'web-1', 8080);
    expect(instance('web-1')).toMatchObject({
      service: 'web',
      node: 'n1',
      address: '10.0.0.1',
      port: 8080,
      state: 'passing',
      since: fixture.clock.now(),
      reason: '',
    });
    expect(current().services.get('web')).toMatchObject({ instances: 1, states: { passing: 1 } });
    expect(texts()).toEqual(['node n1 joined', 'instance web-1 joined web']);
  });

  it('looks at a large catalog bit by bit, and at all of it for whoever asks before that', async () => {
    for (let number = 0; number < 300; number++) await fixture.join(`web-${number % 7}`, `web-${number}`);
    const { clock, traffic, look } = fixture;
    const { catalog } = fixture.store;
    const { about } = current();
    const late = startLive({ catalog, traffic, about, clock, look, logger: silentLogger });
    await fixture.check('web-299', 'critical', 'refused');
    const early = late.current();
    expect(early.instances.size).toBe(300);
    const states = ({ services }: Picture) =>
      [...services.values()].map(({ name, states }) => [name, states]);
    expect(states(early).toSorted()).toEqual(states(current()).toSorted());
    late.stop();

    const patient = startLive({ catalog, traffic, about, clock, look, logger: silentLogger });
    clock.advance(0);
    const told: Delta[] = [];
    patient.follow((delta) => told.push(delta));
    expect([...patient.current().instances.keys()]).toEqual([...early.instances.keys()]);
    await fixture.join('web-0', 'new');
    clock.advance(1000);
    expect(told.flatMap(({ changes = [] }) => changes).map(({ text }) => text)).toEqual([
      'instance new joined web-0',
    ]);
    patient.stop();
  });

  it('looks at what a large commit changed bit by bit, and tells it in one delta once it has', async () => {
    const { clock, deltas, store } = fixture;
    await fixture.join('web', 'web-0');
    clock.advance(1000);
    deltas.length = 0;
    await store.write((tx) => {
      const row = store.catalog.all('services')[0] as Service;
      for (let number = 0; number < 600; number++) tx.put('services', { ...row, id: `more-${number}` });
    });
    const after = vi.spyOn(clock, 'after');
    clock.advance(100);
    // 256 at a time: the rest is left to later turns.
    expect(after.mock.calls.filter(([ms]) => ms === 0)).toHaveLength(2);
    after.mockRestore();
    expect(deltas.filter(({ set }) => set?.instances !== undefined)).toHaveLength(1);
    expect(deltas.at(-1)?.set?.instances).toHaveLength(600);
    expect(deltas.at(-1)?.set?.services).toMatchObject([{ name: 'web', instances: 601 }]);
  });

  it('tells at most ten deltas a second, each with all that changed', async () => {
    fixture.clock.advance(500);
    fixture.deltas.length = 0;
    for (let number = 0; number < 50; number++) await fixture.join('web', `web-${number}`);
    fixture.clock.advance(0);
    expect(fixture.deltas).toHaveLength(1);
    for (let round = 0; round < 100; round++) {
      await fixture.check('web-1', 'critical', `round ${round}`);
      fixture.clock.advance(10);
    }
    expect(fixture.deltas.length).toBeLessThanOrEqual(12);
    expect(fixture.deltas.length).toBeGreaterThan(8);
  });

  it('gives followers the same picture by deltas as a newcomer gets whole', async () => {
    const follower = Picture.from(current().snapshot(0));
    fixture.deltas.length = 0;
    await fixture.join('web', 'web-1');
    await fixture.join('api', 'api-1', 81);
    fixture.clock.advance(1500);
    await fixture.check('web-1', 'critical', 'refused');
    await fixture.store.write((tx) => deregisterService(tx, 'n1', 'api-1'));
    fixture.clock.advance(1500);
    const whole = current().snapshot(0);
    for (const delta of fixture.deltas) follower.apply(delta);
    expect(follower.snapshot(0)).toEqual(whole);
  });

  it('says since when and why an instance is out, and when it is back', async () => {
    await fixture.join('web', 'web-1');
    fixture.clock.advance(5000);
    await fixture.check('web-1', 'critical', 'connect: connection refused\nmore');
    expect(instance('web-1')).toMatchObject({
      state: 'critical',
      since: fixture.clock.now(),
      reason: 'check “answers” is critical: connect: connection refused',
      checks: [{ status: 'critical', output: 'connect: connection refused\nmore' }],
    });
    fixture.clock.advance(3000);
    await fixture.check('web-1', 'critical', 'timeout');
    expect(instance('web-1').since).toBe(fixture.clock.now() - 3000);
    await fixture.check('web-1', 'passing', 'ok');
    expect(instance('web-1')).toMatchObject({ state: 'passing', reason: '', since: fixture.clock.now() });
    expect(texts().slice(-2)).toEqual([
      'instance web-1 of web is critical',
      'instance web-1 of web is passing',
    ]);
  });

  it('shows what the balancer holds back, until it lets go', async () => {
    await fixture.join('web', 'web-1', 8080);
    const since = fixture.clock.now();
    fixture.traffic.held = [
      {
        service: 'web',
        address: '10.0.0.1:8080',
        state: 'ejected',
        since,
        reason: '3 connects refused',
        probeAt: since + 500,
      },
    ];
    // At once for who asks, at the next sample for who follows.
    expect(instance('web-1')).toMatchObject({
      state: 'ejected',
      since,
      probeAt: since + 500,
      reason: 'ejected by the balancer: 3 connects refused',
    });
    fixture.traffic.held = [];
    fixture.clock.advance(1000);
    expect(instance('web-1')).toMatchObject({ state: 'passing', probeAt: null });
  });

  it('forgets a service with its last instance', async () => {
    await fixture.join('web', 'web-1');
    expect(current().services.size).toBe(1);
    await fixture.store.write((tx) => deregisterService(tx, 'n1', 'web-1'));
    expect(current().services.size).toBe(0);
    expect(current().instances.size).toBe(0);
    expect(texts().at(-1)).toBe('instance web-1 left web');
  });

  it('turns counters into rates once a second and remembers them', async () => {
    const count = (requests: number) => {
      const counters = { requests, errors: 0, inFlight: 1, latency: [requests, 0, 0] };
      fixture.traffic.counted = {
        overall: counters,
        routes: [{ key: '/', ...counters }],
        targets: [{ service: 'Web', address: '10.0.0.1:80', ...counters }],
      };
    };
    count(0);
    fixture.clock.advance(1000);
    count(40);
    fixture.clock.advance(1000);
    for (const key of ['overall', 'route /', 'service web', 'target web 10.0.0.1:80'])
      expect(current().traffic.get(key), key).toMatchObject({ requests: 40, inFlight: 1, p50: 0.5 });
    expect(current().history.at(-1)).toMatchObject({ at: fixture.clock.now(), requests: 40 });
  });

  it('says which routes came and went', () => {
    const route = {
      key: '/',
      listener: ':9999',
      host: '',
      path: '/',
      service: 'web',
      strategy: 'rr',
      options: {},
      targets: [],
    };
    // At once for who asks, at the next sample for who follows.
    fixture.traffic.table = [route];
    expect(current().routes.get('/')).toEqual(route);
    fixture.traffic.table = [];
    expect(current().routes.size).toBe(0);
    expect(texts()).toEqual(['route / to web added', 'route / to web removed']);
  });

  it('shows the routes that there are, whatever they were before', () => {
    const view = fc.record({ host: fc.constantFrom('', 'a', 'b'), path: fc.constantFrom('/', '/x', '/y') });
    const inOrder = (a: RouteView, b: RouteView) =>
      a.host === b.host ? (a.path > b.path ? -1 : 1) : a.host < b.host ? -1 : 1;
    const known = new Map<string, RouteView>();
    const route = ({ host, path, strategy }: { host: string; path: string; strategy: string }): RouteView => {
      const name = `${host}${path} ${strategy}`;
      const before = known.get(name);
      const { key, ...rest } = { key: `${host}${path}`, host, path, strategy };
      const after = before ?? {
        key,
        listener: '',
        service: 'web',
        note: '',
        options: {},
        targets: [],
        ...rest,
      };
      known.set(name, after);
      return after;
    };
    const tables = fc.array(
      fc.uniqueArray(fc.tuple(view, fc.constantFrom('rr', 'rnd')), {
        selector: ([{ host, path }]) => `${host}${path}`,
      }),
    );
    fc.assert(
      fc.property(tables, (all) => {
        for (const table of all) {
          fixture.traffic.table = table
            .map(([place, strategy]) => route({ ...place, strategy }))
            .sort(inOrder);
          fixture.clock.advance(1000);
          const shown = [...current().routes.values()].sort(inOrder);
          expect(shown).toEqual(fixture.traffic.table);
        }
      }),
    );
  });

  it('goes on when the traffic cannot be sampled', () => {
    fixture.traffic.sample = () => {
      throw new Error('worker gone');
    };
    fixture.clock.advance(2000);
    fixture.traffic.sample = () => fixture.traffic.counted;
    const points = current().history.length;
    fixture.clock.advance(1000);
    expect(current().history).toHaveLength(points + 1);
  });
});

describe('an instance of a large service', () => {
  it('is counted without its peers being touched', async () => {
    for (let number = 0; number < 30; number++) await fixture.join('web', `web-${number}`);
    fixture.clock.advance(200);
    fixture.deltas.length = 0;
    await fixture.check('web-7', 'critical', 'refused');
    fixture.clock.advance(200);
    const changed = fixture.deltas.flatMap((delta) => delta.set?.instances ?? []);
    expect(changed.map(({ id }) => id)).toEqual(['web-7']);
    const states: Partial<Record<State, number>> = { critical: 1, passing: 29 };
    expect(current().services.get('web')?.states).toEqual(states);
  });
});
