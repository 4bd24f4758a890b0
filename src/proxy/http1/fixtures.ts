/** For tests: a client in front of a route that is more than a list of instances. */
import { TargetStates } from '../../balance/states.ts';
import type { ChoiceSpec } from '../../route/choice.ts';
import { compile } from '../../route/compiler.ts';
import { type HandlingSpec, PLAIN_HANDLING } from '../../route/handling.ts';
import type { RouteSpec, TargetSpec } from '../../route/spec.ts';
import { routeSpec } from '../fixtures.ts';
import type { ProxyLimits } from '../limits.ts';
import { World } from './fake-transport.ts';

export interface Given {
  handling?: Partial<HandlingSpec>;
  /** Several, which the targets name by their `arm`. */
  handlings?: readonly Partial<HandlingSpec>[];
  choice?: ChoiceSpec;
  strategy?: RouteSpec['strategy'];
  targets?: readonly Partial<TargetSpec>[];
  /** Instances of the service "shadow", which copies go to; its route counts at slot 60. */
  shadows?: number;
}

/** A route for everything to three instances unless told otherwise. */
export function worldOf(
  {
    handling = {},
    handlings = [handling],
    choice,
    strategy = 'rr',
    targets = [{}, {}, {}],
    shadows = 0,
  }: Given,
  limits: Partial<ProxyLimits> = {},
): World {
  const routes = [
    routeSpec(targets, {
      handlings: handlings.map((one) => ({ ...PLAIN_HANDLING, ...one })),
      strategy,
      ...(choice === undefined ? {} : { choice }),
    }),
  ];
  if (shadows > 0)
    routes.push(
      routeSpec(
        Array.from({ length: shadows }, (_, i) => ({ id: `node/shadow-${i}`, slot: 61 + i })),
        { id: 'mirror shadow', kind: 'mirror', service: 'shadow', host: 'shadow', path: '', slot: 60 },
      ),
    );
  const draw = { random: () => 0.5, turns: new Int32Array(100), states: new TargetStates() };
  return new World(compile(routes, draw), limits);
}

export const request = (fields = '', start = 'GET /a') =>
  `${start} HTTP/1.1\r\nHost: x.test\r\n${fields}\r\n`;

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
