/** For tests and development: routes without a registry. */
import type { Target } from '../balance/balancer.ts';
import { isFull } from '../balance/candidates.ts';
import { freshState } from '../balance/ejection.ts';
import { compileHandling, PLAIN, PLAIN_HANDLING } from '../route/handling.ts';
import type { RouteSpec, TargetSpec } from '../route/spec.ts';
import type { Route, RouteTable } from '../route/table.ts';

export function targetAt(port: number, slot = 0): Target {
  return { id: `t${slot}`, host: '127.0.0.1', port, weight: 1, slot, state: freshState() };
}

/** A route for everything as plain data. Its instances are "node/web-1" and so on unless they say otherwise. */
export function routeSpec(targets: readonly Partial<TargetSpec>[], more: Partial<RouteSpec> = {}): RouteSpec {
  return {
    id: '/',
    service: 'web',
    host: '',
    path: '/',
    kind: 'http',
    handlings: [PLAIN_HANDLING],
    strategy: 'rr',
    slot: 1,
    targets: targets.map((target, i) => ({
      id: `node/web-${i + 1}`,
      host: '127.0.0.1',
      port: 8_001 + i,
      weight: 1,
      slot: 2 + i,
      ...target,
    })),
    ...more,
  };
}

/** Leads every request to the targets, in the order given. */
export function routeTo(targets: readonly Target[], strip = ''): RouteTable & { route: Route } {
  const route: Route = {
    id: 'all',
    service: 'test',
    slot: 0,
    handling: strip === '' ? PLAIN : compileHandling({ ...PLAIN_HANDLING, strip }),
    special: false,
    targets,
    balancer: { next: (tried) => targets.find((target) => !tried.includes(target) && !isFull(target)) },
  };
  return {
    route,
    match: () => route,
    next: () => undefined,
    ignoresPath: () => true,
    tcp: () => route,
    ofHost: () => undefined,
    mirror: () => undefined,
  };
}
