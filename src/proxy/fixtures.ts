/** For tests and development: a route table without a registry. */
import type { Target } from '../balance/balancer.ts';
import { isFull } from '../balance/candidates.ts';
import { freshState } from '../balance/ejection.ts';
import { compileHandling, PLAIN, PLAIN_HANDLING } from '../route/handling.ts';
import type { Route, RouteTable } from '../route/table.ts';

export function targetAt(port: number, slot = 0): Target {
  return { id: `t${slot}`, host: '127.0.0.1', port, weight: 1, slot, state: freshState() };
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
    mirror: () => undefined,
  };
}
