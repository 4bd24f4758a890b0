import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from '../balance/balancer.ts';
import { TargetStates } from '../balance/states.ts';
import { Compiler, compile } from './compiler.ts';
import { type HandlingSpec, PLAIN_HANDLING } from './handling.ts';
import { difference, isPatch, type RouteDelta, type RouteSpec, type TargetSpec } from './spec.ts';
import type { Route, RouteTable } from './table.ts';

const strips = (strip: string): HandlingSpec => ({ ...PLAIN_HANDLING, strip });

const target = (id: string, more: Partial<TargetSpec> = {}): TargetSpec => ({
  id,
  host: '127.0.0.1',
  port: 80,
  weight: 1,
  slot: 1,
  ...more,
});

const spec = (path: string, targets: readonly TargetSpec[], more: Partial<RouteSpec> = {}): RouteSpec => ({
  id: `h${path}`,
  service: 'web',
  host: 'h',
  path,
  kind: 'http',
  handlings: [PLAIN_HANDLING],
  strategy: 'rr',
  slot: 0,
  targets,
  ...more,
});

const delta = (version: number, changed: RouteSpec[], more: Partial<RouteDelta> = {}): RouteDelta => ({
  version,
  changed,
  patched: [],
  removed: [],
  ...more,
});

function compilerOf(turns = new Int32Array(8)) {
  const gone: unknown[] = [];
  const states = new TargetStates((state) => gone.push(state));
  return { compiler: new Compiler({ random: () => 0, turns, states }), states, gone };
}

function find(table: RouteTable, path: string): Route | undefined {
  const bytes = Buffer.from(`h${path}`);
  return table.match(bytes, 0, 1, 1, bytes.length);
}

/** All candidates of a route, with what they are reached by. */
function candidates(route: Route | undefined) {
  const tried: Target[] = [];
  for (;;) {
    const next = route?.balancer.next(tried);
    if (next === undefined) return tried.sort((a, b) => (a.id < b.id ? -1 : 1));
    tried.push(next);
  }
}

describe('compiler', () => {
  it('makes a table of specs', () => {
    const states = new TargetStates();
    const table = compile(
      [spec('/a', [target('x', { port: 81, slot: 5 })], { handlings: [strips('/a')], slot: 3 })],
      {
        random: () => 0,
        turns: new Int32Array(8),
        states,
      },
    );
    const route = find(table, '/a/b');
    expect(route).toMatchObject({ id: 'h/a', service: 'web', slot: 3 });
    expect(Buffer.from(route?.handling.strip ?? []).toString()).toBe('/a');
    expect(route?.balancer.next([])).toMatchObject({ id: 'x', host: '127.0.0.1', port: 81, slot: 5 });
  });

  it('an instance keeps its state over deltas and routes until the last route lets it go', () => {
    const { compiler, states, gone } = compilerOf();
    const first = find(
      compiler.apply(delta(1, [spec('/a', [target('x')]), spec('/b', [target('x')])])),
      '/a',
    );
    const state = first?.balancer.next([])?.state;
    if (state !== undefined) state.ejectedUntil = 99;
    const again = find(
      compiler.apply(delta(2, [spec('/a', [target('x', { weight: 3 }), target('y')])])),
      '/a',
    );
    expect(candidates(again).map(({ id, state }) => [id, state.ejectedUntil])).toEqual([
      ['x', 99],
      ['y', 0],
    ]);
    compiler.apply(delta(3, [], { removed: ['h/b'] }));
    expect(gone).toEqual([]);
    compiler.apply(delta(4, [], { patched: [{ id: 'h/a', set: [], gone: ['x'] }] }));
    expect(gone).toEqual([state]);
    compiler.apply(delta(5, [], { removed: ['h/a'] }));
    expect(states.size).toBe(0);
    expect(compiler.version).toBe(5);
  });

  it('an instance at another address is another to be judged', () => {
    const { compiler, states } = compilerOf();
    const first = find(compiler.apply(delta(1, [spec('/', [target('x')])])), '/')?.balancer.next([]);
    if (first !== undefined) first.state.ejectedUntil = 99;
    const moved = find(
      compiler.apply(delta(2, [spec('/', [target('x', { port: 90 })])])),
      '/',
    )?.balancer.next([]);
    expect(moved).toMatchObject({ port: 90, state: { ejectedUntil: 0 } });
    expect(states.size).toBe(1);
  });

  it('an instance that joins gets the next request, so that a commit shows at once', () => {
    const { compiler } = compilerOf();
    const some = ['a', 'b', 'c'].map((id) => target(id));
    const before = find(compiler.apply(delta(1, [spec('/', some, { slot: 1 })])), '/');
    before?.balancer.next([]);
    const patch = { id: 'h/', set: [target('new')], gone: [] };
    const after = find(compiler.apply(delta(2, [], { patched: [patch] })), '/');
    expect(after?.balancer.next([])?.id).toBe('new');
  });

  it('routes take turns on their own, also those that share a slot', () => {
    const { compiler } = compilerOf(new Int32Array(2));
    const both = [target('x'), target('y')];
    const paths = ['/a', '/b', '/c'];
    const table = compiler.apply(
      delta(
        1,
        paths.map((path, i) => spec(path, both, { slot: i === 0 ? 1 : 0 })),
      ),
    );
    const seen = [0, 1, 2, 3].map(() => paths.map((path) => find(table, path)?.balancer.next([])?.id));
    for (const column of [0, 1, 2])
      expect(new Set(seen.slice(0, 2).map((row) => row[column]))).toEqual(new Set(['x', 'y']));
  });

  it('through any history of differences a worker has what the specs say, and states of nobody else', () => {
    const ids = Array.from({ length: 24 }, (_, i) => `i${i}`);
    const someTarget = fc.record({
      id: fc.constantFrom(...ids),
      port: fc.constantFrom(80, 81),
      weight: fc.constantFrom(1, 2),
    });
    const targets = fc
      .uniqueArray(someTarget, { selector: ({ id }) => id, maxLength: 24 })
      .map((all) => all.map(({ id, ...more }) => target(id, more)));
    const step = fc.record({
      path: fc.constantFrom('/', '/a', '/a/b'),
      base: fc.constantFrom<readonly string[]>(ids, ids, ids, []),
      targets,
      left: fc.subarray(ids, { maxLength: 4 }),
      isGone: fc.constantFrom(false, false, false, true),
      strip: fc.constantFrom('', '', '', '/a'),
    });
    let patches = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 20 }), (steps) => {
        const { compiler, states } = compilerOf();
        const wanted = new Map<string, RouteSpec>();
        for (const [i, { path, base, targets, left, isGone, strip }] of steps.entries()) {
          const before = wanted.get(path);
          const own = new Map(
            [...base.map((id) => target(id)), ...targets.slice(0, 5)].map((each) => [each.id, each]),
          );
          for (const id of left) own.delete(id);
          const after = spec(path, [...own.values()], { handlings: [strips(strip)] });
          if (isGone) {
            wanted.delete(path);
            compiler.apply(delta(i + 1, [], { removed: [after.id] }));
            continue;
          }
          wanted.set(path, after);
          const change = before === undefined ? after : difference(before, after);
          if (change === undefined) expect(after.targets.length).toBe(before?.targets.length);
          else if (isPatch(change)) {
            patches++;
            compiler.apply(delta(i + 1, [], { patched: [change] }));
          } else compiler.apply(delta(i + 1, [change]));
        }
        const addresses = new Set<string>();
        for (const [path, { id, handlings, targets }] of wanted) {
          const route = find(compiler.table, path);
          expect(route?.id).toBe(id);
          expect(Buffer.from(route?.handling.strip ?? []).toString()).toBe(handlings[0]?.strip);
          const sorted = [...targets].sort((a, b) => (a.id < b.id ? -1 : 1));
          expect(candidates(route).map(({ state: _state, ...rest }) => rest)).toEqual(sorted);
          for (const { id, port } of targets) addresses.add(`${id}:${port}`);
        }
        expect(states.size).toBe(addresses.size);
      }),
    );
    expect(patches).toBeGreaterThan(0);
  });
});
