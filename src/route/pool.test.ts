import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TargetStates } from '../balance/states.ts';
import { PoolKeeper, type PoolTarget } from './pool-keeper.ts';
import type { NameRules, PoolDelta, PoolSpec } from './pool-spec.ts';
import { Pools } from './pools.ts';

const target = (port: number, serverName = '', more: Partial<PoolTarget> = {}): PoolTarget => ({
  host: '127.0.0.1',
  port,
  weight: 1,
  priority: 0,
  maxConnections: 0,
  serverName,
  ...more,
});

const spec = (names: NameRules | undefined, serverNames: readonly string[]): PoolSpec => ({
  id: 'p',
  datagrams: false,
  strategy: 'rr',
  names,
  slot: 1,
  targets: serverNames.map((serverName, i) => ({
    ...target(8_000 + i, serverName),
    id: `t${i}`,
    slot: 2 + i,
  })),
});

function poolOf(names: NameRules | undefined, serverNames: readonly string[]) {
  const pools = new Pools({ states: new TargetStates(), random: () => 0.5, turns: new Int32Array(64) });
  pools.apply({ version: 1, changed: [spec(names, serverNames)], removed: [] });
  const pool = pools.get('p')!;
  /** Places of all that a client who asks for `name` can get, in the order of many connections. */
  return (name: string) => {
    const balancer = pool.find(name)?.balancer;
    if (balancer === undefined) return undefined;
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) seen.add(balancer.next([])?.id ?? 'none');
    return [...seen].sort();
  };
}

describe('targets by the name that is asked for', () => {
  const own = ['one.test', 'Two.test', '', 'one.test'];

  it.each([
    ['reject', 'three.test', undefined],
    ['any', 'three.test', ['t0', 't1', 't2', 't3']],
    ['default', 'three.test', ['t2']],
    ['default', '', ['t2']],
    ['reject', '', ['t2']],
    ['reject', 'one.test', ['t0', 't3']],
    ['reject', 'two.test', ['t1']],
  ] as const)('exact, %s: %j', (unexpected, name, expected) => {
    expect(poolOf({ matching: 'exact', unexpected }, own)(name)).toEqual(expected);
  });

  const patterns = ['^.*[.]one[.]test$', '^two[.]test$', '', '(', '^x[.]one'];

  it.each([
    ['reject', 'x.one.test', ['t0', 't4']],
    ['reject', 'y.one.test', ['t0']],
    ['reject', 'one.test', undefined],
    ['default', 'one.test', ['t2']],
    ['any', 'one.test', ['t0', 't1', 't2', 't3', 't4']],
  ] as const)('patterns, %s: %j', (unexpected, name, expected) => {
    expect(poolOf({ matching: 'regexp', unexpected }, patterns)(name)).toEqual(expected);
  });

  it('nobody takes a client without a name where all have one', () => {
    expect(poolOf({ matching: 'exact', unexpected: 'default' }, ['a.test'])('')).toBeUndefined();
  });

  it('groups take turns of their own, however they are asked for among each other', () => {
    const find = poolOf({ matching: 'exact', unexpected: 'reject' }, [
      'a.test',
      'b.test',
      'a.test',
      'b.test',
    ]);
    for (let i = 0; i < 3; i++) {
      expect(find('a.test')).toEqual(['t0', 't2']);
      expect(find('b.test')).toEqual(['t1', 't3']);
    }
  });

  it('remembers names within bounds, whatever is asked for', () => {
    const find = poolOf({ matching: 'exact', unexpected: 'default' }, ['a.test', '']);
    for (let i = 0; i < 5_000; i++) find(`n${i}.test`);
    expect(find('a.test')).toEqual(['t0']);
  });
});

describe('a pool over its changes', () => {
  it('the worker has what the keeper was told, after any sequence of changes', () => {
    const change = fc.record({
      pool: fc.constantFrom('a', 'b'),
      targets: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 5 }),
      gone: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const states = new TargetStates();
        const pools = new Pools({ states, random: Math.random, turns: new Int32Array(64) });
        const deltas: PoolDelta[] = [];
        const keeper = new PoolKeeper({
          publish: (delta) => {
            deltas.push(structuredClone(delta));
            pools.apply(delta);
          },
          slots: { capacity: 64 },
        });
        const wanted = new Map<string, number[]>();
        for (const { pool, targets, gone } of changes) {
          if (gone) {
            keeper.delete(pool);
            wanted.delete(pool);
            continue;
          }
          const list = new Map(targets.map((port) => [`${port}`, target(port)]));
          keeper.set({ id: pool, datagrams: false, strategy: 'rr', names: undefined, targets: list });
          wanted.set(pool, [...targets].sort());
        }
        const late = new Pools({
          states: new TargetStates(),
          random: Math.random,
          turns: new Int32Array(64),
        });
        late.apply(keeper.snapshot());
        for (const each of [pools, late])
          for (const name of ['a', 'b']) {
            const balancer = each.get(name)?.find('')?.balancer;
            const ports = new Set<number>();
            for (let i = 0; i < 20; i++) {
              const next = balancer?.next([]);
              if (next !== undefined) ports.add(next.port);
            }
            expect([...ports].sort()).toEqual(wanted.get(name) ?? []);
          }
        // As many states as there are targets: none is left behind, none is missing.
        expect(states.size).toBe([...wanted.values()].reduce((sum, ports) => sum + ports.length, 0));
        expect(deltas.map(({ version }) => version)).toEqual(deltas.map((_, i) => i + 1));
      }),
    );
  });

  it('a change that changes nothing is not told', () => {
    let told = 0;
    const keeper = new PoolKeeper({ publish: () => told++, slots: { capacity: 8 } });
    const content = { id: 'a', datagrams: false, strategy: 'rr', names: undefined } as const;
    keeper.set({
      ...content,
      targets: new Map([
        ['1', target(1)],
        ['2', target(2)],
      ]),
    });
    keeper.set({
      ...content,
      targets: new Map([
        ['2', target(2)],
        ['1', target(1)],
      ]),
    });
    expect(told).toBe(1);
  });
});
