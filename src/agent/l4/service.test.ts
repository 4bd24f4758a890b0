import { describe, expect, it } from 'vitest';
import type { DiscoveredInstance, InstanceListener } from '../../discovery/instance.ts';
import { ManualClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { CounterReader, createCounterBlock } from '../../proxy/counters.ts';
import { PoolKeeper } from '../../route/pool-keeper.ts';
import { readPoolOptions } from '../../route/pool-options.ts';
import type { PoolSpec } from '../../route/pool-spec.ts';
import { L4Service } from './service.ts';

const instance = (id: string, rest: Partial<DiscoveredInstance> = {}): DiscoveredInstance => ({
  id,
  service: 'db',
  node: 'n',
  serviceId: id,
  host: '127.0.0.1',
  port: 1,
  tags: [],
  meta: null,
  datacenter: 'dc1',
  weight: 1,
  out: '',
  ...rest,
});

function follow(options: string, zone = '', protocol: 'tcp' | 'udp' = 'tcp') {
  const clock = new ManualClock();
  const counters = new CounterReader();
  counters.add(createCounterBlock());
  const lines: string[] = [];
  const keeper = new PoolKeeper({ publish: () => {}, slots: { capacity: 64, isIdle: () => true } });
  let tell: InstanceListener = () => {};
  const service = new L4Service(
    {
      name: 'db',
      listen: { host: '127.0.0.1', port: 1 },
      listener: { protocol },
      strategy: 'rr',
      isWeighted: true,
      options: readPoolOptions(options),
      zone,
      discover(listener) {
        tell = listener;
        return { instances: () => [], resync() {}, stop() {} };
      },
    },
    {
      keeper,
      counters,
      clock,
      random: () => 0.5,
      log: createLogger({ level: 'info', sink: ({ message }) => lines.push(message) }),
    },
  );
  const set = (...instances: DiscoveredInstance[]) =>
    tell(instances.map((after) => ({ id: after.id, before: undefined, after })));
  const pool = (): PoolSpec => keeper.get('db')!;
  return {
    clock,
    service,
    set,
    pool,
    lines,
    ids: () => pool().targets.map(({ id }) => id.slice('db/'.length)),
  };
}

describe('a service over TCP with options', () => {
  it('has those begin slowly who come after the first ones', () => {
    const { clock, set, pool } = follow('slowstart=30s');
    set(instance('a'), instance('b'));
    expect(pool().choice).toEqual({ slowStart: 30_000 });
    expect(pool().targets.map(({ since }) => since)).toEqual([0, 0]);
    clock.advance(5_000);
    const now = clock.now();
    set(instance('c'));
    expect(pool().targets.map(({ since }) => since)).toEqual([0, 0, now]);
    clock.advance(5_000);
    set(instance('a', { weight: 2 }));
    expect(pool().targets.map(({ since }) => since)).toEqual([0, 0, now]);
  });

  it('uses those with failing checks when fewer are well than panic= says, and says so', () => {
    const failing = { out: 'its check fails', doubt: 'failing' } as const;
    const { set, ids, lines } = follow('panic=50%');
    set(instance('a'), instance('b', failing), instance('c', { out: 'in maintenance' }));
    expect(ids()).toEqual(['a']);
    set(instance('a', failing));
    expect(ids()).toEqual(['a', 'b']);
    set(instance('a'), instance('b'));
    expect(ids()).toEqual(['a', 'b']);
    expect(lines).toEqual([
      'so few instances of a service are healthy that those with failing checks get requests too',
      'enough instances of a service are healthy again; the others get no requests any more',
    ]);
  });

  it('knows who is in another zone, and how much its own is meant to carry', () => {
    const { set, pool } = follow('', 'z1');
    set(instance('a', { zone: 'z1' }), instance('b', { zone: 'z2' }), instance('c'));
    expect(pool().choice).toEqual({ zone: 2 });
    expect(pool().targets.map(({ far }) => far === true)).toEqual([false, true, false]);
    expect(follow('').pool().choice).toBeUndefined();
  });

  it('has limits for clients and for instances', () => {
    const { set, pool } = follow('rate=20/s maxconn=5');
    set(instance('a', { maxConnections: 9 }));
    expect(pool().rates).toEqual([
      { count: 20, period: 1_000, burst: 20, by: { kind: 'address', name: '' } },
    ]);
    expect(pool().targets[0]).toMatchObject({ maxConnections: 5 });
  });
});

it('a service over UDP knows whose clients may stay: of those that were taken out on purpose', () => {
  const told = (protocol: 'tcp' | 'udp') => {
    const { set, pool, ids } = follow('', '', protocol);
    const maintained = { out: 'it is in maintenance', drains: true } as const;
    set(
      instance('c', maintained),
      instance('a', maintained),
      instance('b', { out: 'its check fails', doubt: 'failing' }),
      instance('d', { out: 'it is in maintenance' }),
      instance('e'),
    );
    expect(ids()).toEqual(['e']);
    const before = pool().draining;
    set(instance('a'), instance('c', { out: 'its check fails', doubt: 'failing' }));
    return [before, pool().draining];
  };
  expect(told('udp')).toEqual([['db/a', 'db/c'], undefined]);
  expect(told('tcp')).toEqual([undefined, undefined]);
});
