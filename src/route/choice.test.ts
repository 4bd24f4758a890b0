import { describe, expect, it } from 'vitest';
import { TargetStates } from '../balance/states.ts';
import type { DiscoveredInstance, InstanceListener } from '../discovery/instance.ts';
import { createLogger, type LogLine, silentLogger } from '../lib/log.ts';
import { Compiler } from './compiler.ts';
import { checkPolicy } from './policies.ts';
import { type RouterOptions, startRouter } from './router.ts';
import type { RouteDelta } from './spec.ts';
import type { Route } from './table.ts';

const instance = (
  serviceId: string,
  options = '',
  more: Partial<DiscoveredInstance> = {},
): DiscoveredInstance => ({
  id: `node/${serviceId}`,
  service: 'web',
  node: 'node',
  serviceId,
  host: '127.0.0.1',
  port: 80,
  tags: [`urlprefix-/ ${options}`],
  meta: null,
  datacenter: 'dc1',
  weight: 1,
  out: '',
  ...more,
});

/** A router and what a worker makes of what it tells. */
function start(options: Partial<RouterOptions> = {}) {
  const known = new Map<string, DiscoveredInstance>();
  let listen: InstanceListener = () => {};
  const deltas: RouteDelta[] = [];
  const clock = { now: 1_000_000 };
  const compiler = new Compiler({
    random: Math.random,
    now: () => clock.now,
    turns: new Int32Array(100),
    states: new TargetStates(),
  });
  const router = startRouter({
    discover(listener) {
      listen = listener;
      return { instances: () => known.values(), resync() {}, stop() {} };
    },
    publish(delta) {
      deltas.push(delta);
      compiler.apply(structuredClone(delta));
    },
    slots: { capacity: 100 },
    log: silentLogger,
    now: () => clock.now,
    ...options,
  });
  const route = (): Route | undefined => {
    const bytes = Buffer.from('h/');
    return compiler.table.match(bytes, 0, 1, 1, 2);
  };
  return {
    router,
    deltas,
    clock,
    compiler,
    route,
    /** Registers, or changes, instances. */
    tell(...instances: DiscoveredInstance[]) {
      const changes = instances.map((after) => ({ id: after.id, before: known.get(after.id), after }));
      for (const after of instances) known.set(after.id, after);
      listen(changes);
    },
    gone(serviceId: string) {
      const before = known.get(`node/${serviceId}`);
      known.delete(`node/${serviceId}`);
      listen([{ id: `node/${serviceId}`, before, after: undefined }]);
    },
    /** Parts of the requests by instance, as the workers choose. */
    parts(asked = route(), key?: number) {
      const counts = new Map<string, number>();
      for (let i = 0; i < 2_000; i++) {
        const id = asked?.balancer.next([], key)?.id.slice(5) ?? 'nobody';
        counts.set(id, (counts.get(id) ?? 0) + 1 / 2_000);
      }
      return Object.fromEntries([...counts].sort());
    },
    shares() {
      const [view] = router.routes();
      return Object.fromEntries(view?.targets.map(({ serviceId, share }) => [serviceId, share]) ?? []);
    },
  };
}

const failing = { out: 'check "c" is critical', doubt: 'failing' } as const;
const dead = { out: 'the agent of its node is down', doubt: 'dead' } as const;
const maintained = { out: 'it is in maintenance' } as const;

describe('slow start', () => {
  it('is for those that come later, and begins anew for who comes back', () => {
    const { tell, gone, clock, parts, deltas } = start();
    tell(instance('a', 'slowstart=30s'), instance('b', 'slowstart=30s'));
    expect(deltas[0]!.changed[0]!.targets.map(({ since }) => since)).toEqual([undefined, undefined]);
    clock.now += 60_000;
    tell(instance('c', 'slowstart=30s'));
    expect(parts().c).toBeLessThan(0.1);
    clock.now += 30_000;
    expect(parts().c).toBeCloseTo(1 / 3, 1);
    gone('b');
    tell(instance('b', 'slowstart=30s'));
    expect(parts().b).toBeLessThan(0.1);
    expect(parts().a).toBeGreaterThan(0.4);
  });

  it('leaves a route with nothing but new instances alone', () => {
    const { tell, gone, clock, parts } = start();
    tell(instance('a', 'slowstart=30s'));
    clock.now += 60_000;
    gone('a');
    tell(instance('b', 'slowstart=30s'));
    expect(parts()).toEqual({ b: expect.closeTo(1) });
  });
});

describe('an emergency', () => {
  const options = 'panic=50%';

  it('begins when too few are healthy: then those with failing checks are used, but no dead ones', () => {
    const lines: LogLine[] = [];
    const log = createLogger({ level: 'info', sink: (line) => lines.push(line) });
    const { tell, parts, router } = start({ log });
    tell(instance('a', options), instance('b', options), instance('c', options), instance('d', options));
    tell(instance('b', options, failing), instance('c', options, dead));
    expect(parts()).toEqual({ a: expect.closeTo(0.5), d: expect.closeTo(0.5) });
    tell(instance('d', options, failing));
    expect(parts()).toEqual({
      a: expect.closeTo(1 / 3, 2),
      b: expect.closeTo(1 / 3, 2),
      d: expect.closeTo(1 / 3, 2),
    });
    expect(router.routes()[0]).toMatchObject({
      emergency: { well: 1, of: 4 },
      targets: [
        {},
        { standing: { doubtful: failing.out } },
        { out: dead.out },
        { standing: { doubtful: failing.out } },
      ],
    });
    tell(instance('d', options));
    expect(parts()).toEqual({ a: expect.closeTo(0.5), d: expect.closeTo(0.5) });
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('does not count those that were taken out on purpose', () => {
    const { tell, parts } = start();
    tell(instance('a', options), instance('b', options, maintained), instance('c', options, maintained));
    expect(parts()).toEqual({ a: expect.closeTo(1) });
    tell(instance('a', options, failing));
    expect(parts()).toEqual({ a: expect.closeTo(1) });
    tell(instance('a', options, maintained));
    expect(parts()).toEqual({ nobody: expect.closeTo(1) });
  });

  it('is unknown to routes that do not ask for it', () => {
    const { tell, route } = start();
    tell(instance('a', '', failing));
    expect(route()).toBeUndefined();
  });
});

describe('a canary', () => {
  it('gets its part of the keys, always the same ones, and stands in for the others', () => {
    const { tell, route, gone, shares } = start();
    tell(instance('a'), instance('b'), instance('new', 'canary=20% canaryby=cookie:sid canaryif=X-Try:yes'));
    const { canary } = route()!.choice!;
    expect(canary).toMatchObject({
      share: 0.2,
      by: { kind: 'cookie', name: 'sid' },
      when: { header: 'x-try', value: 'yes' },
    });
    expect(canary!.arm.balancer.next([])?.id).toBe('node/new');
    const [a, b] = [canary!.rest.balancer.next([])!, canary!.rest.balancer.next([])!];
    expect([a.id, b.id].sort()).toEqual(['node/a', 'node/b']);
    expect(canary!.rest.balancer.next([a, b])?.id).toBe('node/new');
    expect(shares()).toEqual({ a: 0.4, b: 0.4, new: 0.2 });
    gone('a');
    gone('b');
    expect(route()!.choice).toBeUndefined();
    expect(shares()).toEqual({ new: 1 });
  });
});

describe('zones', () => {
  const [here, there] = [{ zone: 'a' }, { zone: 'b' }];

  it('keep their traffic, and give away what is too much for who is left', () => {
    const { tell, parts, shares, clock } = start({ zone: 'a' });
    tell(instance('a1', '', here), instance('a2', '', here), instance('b1', '', there), instance('x'));
    expect(parts()).toEqual({
      a1: expect.closeTo(1 / 3, 1),
      a2: expect.closeTo(1 / 3, 1),
      x: expect.closeTo(1 / 3, 1),
    });
    expect(shares()).toMatchObject({ b1: 0 });
    tell(instance('a1', '', { ...here, ...failing }), instance('a2', '', { ...here, ...failing }));
    clock.now += 1_000;
    // One of three is left: it keeps 1.4 thirds.
    expect(parts()).toEqual({ x: expect.closeTo(1.4 / 3, 1), b1: expect.closeTo(1 - 1.4 / 3, 1) });
    expect(shares()).toMatchObject({ x: expect.closeTo(1.4 / 3), b1: expect.closeTo(1 - 1.4 / 3) });
  });

  it('mean nothing to a balancer that is nowhere', () => {
    const { tell, route } = start();
    tell(instance('a1', '', here), instance('b1', '', there));
    expect(route()!.choice).toBeUndefined();
  });

  it('send on what instances here have no room for', () => {
    const { tell, route } = start({ zone: 'a' });
    tell(instance('a1', 'maxconn=1', here), instance('b1', '', there));
    const { balancer } = route()!;
    const first = balancer.next([])!;
    expect(first.id).toBe('node/a1');
    first.state.inFlight++;
    expect(balancer.next([])?.id).toBe('node/b1');
  });
});

describe('policies', () => {
  it('hold for the services they name unless a tag says otherwise, and change as a whole', () => {
    const { tell, router, deltas } = start({
      policies: [
        { service: '*', options: 'timeout=5s rate=10/s' },
        { service: 'w*b', options: 'strip=/x' },
        { service: 'other', options: 'strip=/y' },
      ],
    });
    tell(instance('a', 'timeout=1s'));
    expect(deltas[0]!.changed[0]!.handlings[0]).toMatchObject({
      strip: '/x',
      limits: { responseTimeout: 1_000 },
      rates: [{ count: 10, period: 1_000, burst: 10 }],
    });
    router.setPolicies([]);
    expect(deltas[1]!.changed[0]!.handlings[0]).toEqual(
      expect.objectContaining({ strip: '', limits: { responseTimeout: 1_000 } }),
    );
    expect(router.routes()[0]!.targets[0]!.options).toEqual(['timeout=1s']);
    router.setPolicies([]);
    expect(deltas).toHaveLength(2);
  });

  it('hold for routes of commands too, without a moment in which those are gone', () => {
    const { router, deltas } = start();
    router.setCommands([{ name: '', text: 'route add web / http://127.0.0.1:80/' }]);
    router.setPolicies([{ service: 'web', options: 'maxbody=1KB' }]);
    expect(deltas).toHaveLength(2);
    expect(deltas[1]).toMatchObject({
      removed: [],
      changed: [{ handlings: [{ limits: { maxBody: 1_024 } }] }],
    });
  });

  it('are refused with a sentence when they cannot be read', () => {
    expect(checkPolicy({ options: 'rate=20/s timeout=5s sticky=true' })).toEqual([]);
    expect(checkPolicy({ options: 'rat=20/s timeout=5' })).toEqual([
      'there is no option "rat"; did you mean "rate"?',
      'timeout=5: it must be a time like 5s',
    ]);
  });
});

describe('mirrors', () => {
  const shadow = (serviceId: string, more: Partial<DiscoveredInstance> = {}) =>
    instance(serviceId, '', { service: 'shadow', tags: ['v2'], ...more });

  it('lead to the instances of a service without a route, for as long as copies are sent there', () => {
    const { tell, gone, compiler, router } = start();
    tell(shadow('s1'), instance('a'));
    expect(compiler.table.mirror('shadow')).toBeUndefined();
    tell(instance('a', 'mirror=shadow,10%'), instance('b', 'mirror=shadow'));
    const ids = () => compiler.table.mirror('shadow')?.targets.map(({ id }) => id);
    expect(ids()).toEqual(['node/s1']);
    tell(shadow('s2'));
    expect(ids()).toEqual(['node/s1', 'node/s2']);
    tell(shadow('s1', failing));
    expect(ids()).toEqual(['node/s2']);
    gone('a');
    expect(ids()).toEqual(['node/s2']);
    tell(instance('b'));
    expect(ids()).toBeUndefined();
    expect(router.routes().map(({ id }) => id)).toEqual(['/']);
  });

  it('are found whatever was known first', () => {
    const { tell, compiler } = start();
    tell(instance('a', 'mirror=shadow'));
    expect(compiler.table.mirror('shadow')).toBeUndefined();
    tell(shadow('s1'));
    expect(compiler.table.mirror('shadow')?.targets).toHaveLength(1);
  });

  it('speak to an instance as its own routes say', () => {
    const { tell, compiler } = start();
    tell(instance('a', 'mirror=shadow'), shadow('s1', { tags: ['urlprefix-/s proto=grpc'] }));
    expect(compiler.table.mirror('shadow')?.targets[0]?.options).toEqual({ protocol: 'grpc' });
  });
});

describe('options of a tag', () => {
  it('are left out with a sentence when they cannot be read', () => {
    const wrong = [
      'strategy=best',
      'sticky=a;b',
      'hashby=cookie',
      'canary=200%',
      'canaryby=name',
      'canaryif=X-Try',
      'slowstart=30',
      'panic=x',
      'mirror=shadow,2',
      'rate=20',
      'rate=20/s,who',
      'timeout=0s',
      'maxbody=big',
    ];
    const { tell, router, route } = start();
    tell(instance('a', wrong.join(' ')));
    expect(router.problems().map(({ reason }) => reason.replace(/ .*/, ''))).toEqual(wrong);
    expect(route()).toMatchObject({ special: false });
    expect(route()!.choice).toBeUndefined();
  });

  it('choose the strategy and what it goes by', () => {
    const { tell, route, parts } = start();
    const options = 'strategy=rendezvous hashby=header:X-User';
    tell(instance('a', options, { port: 1 }), instance('b', options, { port: 2 }));
    expect(route()!.choice).toMatchObject({ by: { kind: 'header', name: 'x-user' } });
    expect(Object.values(parts(route(), 12_345))).toEqual([expect.closeTo(1)]);
  });
});
