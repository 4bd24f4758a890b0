import type { ExplainStep, Explanation, InstanceView, RouteView } from './wire.ts';

/** Routes that are named as turned down before the answer gets too long to read. */
const MOST_PASSED = 5;

/**
 * Where a request for `url` goes, told from the routes and instances as shown: host before no host, then the
 * longest path. For sources that have no better knowledge of their own.
 */
export function explainFrom(
  url: URL,
  routes: Iterable<RouteView>,
  instanceAt: (service: string, address: string) => InstanceView | undefined,
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
  const candidates = route.targets.map((target): ExplainStep => {
    const instance = instanceAt(route.service, target.address);
    const title = `${target.instance || route.service} at ${target.address}`;
    const state = instance?.state ?? null;
    if (instance !== undefined && instance.state !== 'passing')
      return { kind: 'candidate', title, reason: instance.reason, taken: false, state };
    const reason = `gets ${(target.share * 100).toFixed(target.share < 0.1 ? 1 : 0)} % of the requests`;
    return { kind: 'candidate', title, reason, taken: target.share > 0, state };
  });
  steps.push(...candidates.filter(({ taken }) => taken), ...candidates.filter(({ taken }) => !taken));
  if (!candidates.some(({ taken }) => taken))
    steps.push(step('end', '503', `${route.service} has no instance that takes requests`, true));
  return { url: url.href, route: route.key, service: route.service, steps };
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
