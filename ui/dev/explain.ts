import { addressKey } from '../../src/api/muster/instance-view.ts';
import type { InstanceView, RouteView } from '../../src/api/muster/wire.ts';
import type { ExplainStep, Explanation } from '../../src/api/muster/wire-answers.ts';

/** Routes that are named as turned down before the answer gets too long to read. */
const MOST_PASSED = 5;

/** Likewise for instances that take the request, and for those that do not. */
const MOST_CANDIDATES = 50;

/**
 * Where a request for `url` goes, told from the routes and instances as shown: host before no host, then the
 * longest path. The real thing asks its router.
 */
export function explainFrom(
  url: URL,
  routes: Iterable<RouteView>,
  instancesOf: (service: string) => readonly InstanceView[],
): Explanation {
  const host = url.hostname.toLowerCase();
  const fitting = [...routes]
    .filter((route) => url.pathname.startsWith(route.path) && (route.host === '' || route.host === host))
    .sort((a, b) => Number(b.host !== '') - Number(a.host !== '') || b.path.length - a.path.length);
  const [route, ...passed] = fitting;
  if (route === undefined) {
    return {
      url: url.href,
      route: null,
      service: '',
      steps: [
        step('listener', url.host, 'takes the request', true),
        step(
          'end',
          '404',
          `no route has a prefix of ${url.pathname} for the host ${host} or for any host`,
          true,
        ),
      ],
    };
  }
  const steps: ExplainStep[] = [
    step('listener', route.listener, 'takes the request', true),
    step('route', nameOf(route), whyTaken(route, passed), true),
    ...passed
      .slice(0, MOST_PASSED)
      .map((other) => step('route', nameOf(other), whyPassed(route, other), false)),
  ];
  const instances = new Map(instancesOf(route.service).map((one) => [addressKey(one), one]));
  const candidates = route.targets.map((target): ExplainStep => {
    const instance = instances.get(target.address);
    instances.delete(target.address);
    if (instance !== undefined && instance.state !== 'passing') return heldBack(instance);
    const percent = (target.share * 100).toFixed(target.share < 0.1 ? 1 : 0);
    return {
      kind: 'candidate',
      title: titleOf(target.instance || route.service, target.address),
      reason: `gets ${percent} % of the requests`,
      taken: target.share > 0,
      state: instance?.state ?? null,
    };
  });
  // Instances that are no targets at all: the question is mostly about them.
  candidates.push(...[...instances.values()].map(heldBack));
  const [taken, others] = [candidates.filter((one) => one.taken), candidates.filter((one) => !one.taken)];
  steps.push(...taken.slice(0, MOST_CANDIDATES), ...others.slice(0, MOST_CANDIDATES));
  if (!candidates.some(({ taken }) => taken))
    steps.push(step('end', '503', `${route.service} has no instance that takes requests`, true));
  return { url: url.href, route: route.key, service: route.service, steps };
}

function heldBack(instance: InstanceView): ExplainStep {
  const reason = instance.reason || 'is no target of the route: its tags do not name it';
  const title = titleOf(instance.id, addressKey(instance));
  return { kind: 'candidate', title, reason, taken: false, state: instance.state };
}

function titleOf(name: string, address: string): string {
  return `${name} at ${address}`;
}

function step(kind: ExplainStep['kind'], title: string, reason: string, taken: boolean): ExplainStep {
  return { kind, title, reason, taken, state: null };
}

function nameOf({ host, path }: RouteView): string {
  return `${host}${path}`;
}

function whyTaken(route: RouteView, passed: readonly RouteView[]): string {
  const what = route.host === '' ? 'any host' : `host ${route.host}`;
  const why = passed.length === 0 ? 'the only route that fits' : 'the most specific route that fits';
  return `${why}: ${what}, path from ${route.path}; ${route.service}, strategy ${route.strategy}`;
}

function whyPassed(route: RouteView, other: RouteView): string {
  if (route.host !== '' && other.host === '') return 'fits too, but a route with the host comes first';
  return 'fits too, but its path is shorter';
}
