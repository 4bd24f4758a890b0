import type { Counters, TargetOut, TrafficSource } from '../api/muster/traffic.ts';
import type { ProblemView, RouteView, State } from '../api/muster/wire.ts';
import type { ConnectionsView, ExplainStep, Explanation } from '../api/muster/wire-answers.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { fold, serviceKey } from '../catalog/tables.ts';
import { aggregate, instanceOf } from '../catalog/views.ts';
import type { Traffic } from '../group/surroundings.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { CounterReader } from '../proxy/counters.ts';
import { IN_FLIGHT } from '../proxy/counters.ts';
import type { Ejection } from '../proxy/ejector.ts';
import { LATENCY_BOUNDS } from '../proxy/latency-buckets.ts';
import type { Router } from '../route/router.ts';
import { SHARED_SLOT } from '../route/slots.ts';
import type { RouteView as RouterView, TargetView } from '../route/view.ts';
import { emergencyText, optionsOf, standingWords } from './route-words.ts';

export interface TrafficParts {
  catalog: Catalog;
  router: Router;
  counters: CounterReader;
  /** host:port of each listener. */
  listeners: readonly string[];
  /** The same of those for TCP routes. */
  relays?: readonly string[];
  /** Of the services over TCP and UDP, which count in slots of their own. */
  connections?: () => readonly ConnectionsView[];
  ejections: () => readonly Ejection[];
}

/** Candidates that an explanation names one by one. */
const MOST_CANDIDATES = 50;

/** What the dashboard sees of the balancer: the router's routes, the workers' counters and ejections. */
export function trafficOf(parts: TrafficParts): TrafficSource {
  const { catalog, router, counters, listeners, relays = [], connections = () => [], ejections } = parts;
  const listener = listeners.join(', ');
  // What shares a slot with all others has no figures of its own, and may be very many.
  const hasFigures = ({ slot }: { readonly slot: number }): boolean =>
    slot !== SHARED_SLOT && counters.hasCounted(slot);
  // Of tens of thousands a few change in a second: each is made once for what the router says of it.
  const shown = new WeakMap<RouterView, RouteView>();
  const shownOf = (view: RouterView): RouteView => {
    let known = shown.get(view);
    if (known === undefined) {
      known = routeView(view, listener);
      shown.set(view, known);
    }
    return known;
  };
  const routes = whenChanged(
    () => router.routes(),
    (views) => views.filter(({ isInForce }) => isInForce).map(shownOf),
  );
  const problems = whenChanged(
    () => router.problems(),
    (list): ProblemView[] =>
      list.map(({ service, instance, tag, reason }) => ({
        key: `${instance} ${tag} ${reason}`,
        place: `tag "${tag}" of ${instance} (${service})`,
        message: reason,
      })),
  );
  /** Routes of ports that nobody listens on. */
  const unheard = whenChanged(
    () => router.routes(),
    (views) => views.flatMap((view) => unheardProblem(view, relays) ?? []),
  );
  let joined = { of: problems(), and: unheard(), all: [...problems(), ...unheard()] };
  /** The same again while nothing changed: who asks compares. */
  const allProblems = (): readonly ProblemView[] => {
    const [of, and] = [problems(), unheard()];
    if (joined.of !== of || joined.and !== and) joined = { of, and, all: [...of, ...and] };
    return joined.all;
  };
  /** Those that are wanted, by instance: it counts in one slot, however many routes lead to it. */
  const targets = (isWanted: (target: TargetView) => boolean): Map<string, TargetView> => {
    const found = new Map<string, TargetView>();
    for (const view of router.routes())
      for (const target of view.targets) if (isWanted(target)) found.set(target.instance, target);
    return found;
  };
  const slots = whenChanged(
    () => router.routes(),
    (views) => new Map(views.flatMap(({ targets }) => targets).map((one) => [placeOf(one), one.slot])),
  );
  const obstacles = whenChanged(
    () => router.routes(),
    (views) => {
      const found = new Map<string, string>();
      // One route that it takes part in is enough.
      for (const { instance, out, obstacle } of views.flatMap(({ targets }) => targets))
        if (found.get(instance) !== '') found.set(instance, out || obstacle);
      return found;
    },
  );
  return {
    latencyBounds: LATENCY_BOUNDS,
    routes,
    problems: allProblems,
    sample: () => ({
      overall: scope(counters.overall()),
      routes: router
        .routes()
        .filter(hasFigures)
        .map(({ id, slot }) => ({ key: id, ...scope(counters.slot(slot)) })),
      targets: [...targets(hasFigures).values()].map((target) => ({
        service: target.service,
        address: formatHostPort(target.host, target.port),
        ...scope(counters.slot(target.slot)),
      })),
    }),
    inFlight(service, address) {
      const slot = slots().get(`${service} ${address}`);
      const requests =
        slot === undefined || slot === SHARED_SLOT ? undefined : counters.field(slot, IN_FLIGHT);
      const held = heldBy(connections(), service, address);
      return requests === undefined && held === 0 ? undefined : (requests ?? 0) + held;
    },
    obstacle: (instance) => obstacles().get(instance),
    outs: () => {
      const out = ejections();
      if (out.length === 0) return [];
      const ids = new Set(out.map(({ id }) => id));
      const known = targets(({ instance }) => ids.has(instance));
      return out.map(
        ({ id, host, port, why, since }): TargetOut => ({
          service: known.get(id)?.service ?? '',
          address: formatHostPort(host, port),
          state: 'ejected',
          since,
          reason: why,
          probeAt: null,
        }),
      );
    },
    explain: (url) => explain(url, { catalog, router, listeners, ejections: ejections() }),
  };
}

const placeOf = ({ service, host, port }: TargetView): string => `${service} ${formatHostPort(host, port)}`;

/** Connections and sessions of TCP and UDP services that an instance has now. */
function heldBy(pools: readonly ConnectionsView[], service: string, address: string): number {
  const name = fold(service);
  return pools
    .filter((pool) => fold(pool.service) === name)
    .flatMap(({ instances }) => instances)
    .filter((instance) => instance.address === address)
    .reduce((total, { active }) => total + active, 0);
}

/** What the balancer counted of the instance with an id of discovery's; undefined when no route leads to it. */
export function instanceTraffic({
  router,
  counters,
}: Pick<TrafficParts, 'router' | 'counters'>): (id: string) => Traffic | undefined {
  const slots = whenChanged(
    () => router.routes(),
    (views) => new Map(views.flatMap(({ targets }) => targets).map(({ instance, slot }) => [instance, slot])),
  );
  return (id) => {
    const slot = slots().get(id);
    if (slot === undefined) return undefined;
    const tally = counters.slot(slot);
    return { ...scope(tally), waited: tally.waited };
  };
}

/** Derives a value again only when what it is derived from is another one. */
function whenChanged<Source, Derived>(
  source: () => Source,
  derive: (source: Source) => Derived,
): () => Derived {
  let from: Source | undefined;
  let derived: Derived | undefined;
  return () => {
    const now = source();
    if (derived === undefined || now !== from) {
      from = now;
      derived = derive(now);
    }
    return derived;
  };
}

function scope(tally: ReturnType<CounterReader['overall']>): Counters {
  const { requests, inFlight, classes, own5xx, histogram } = tally;
  return { requests, inFlight, errors: (classes[4] ?? 0) + own5xx, latency: histogram };
}

function isTaking({ out, obstacle }: TargetView): boolean {
  return out === '' && obstacle === '';
}

/** As the API has it. */
export function routeView(view: RouterView, listener: string): RouteView {
  return {
    key: view.kind === 'tcp' ? `tcp ${view.id}` : view.id,
    listener,
    host: view.host,
    path: view.path,
    service: view.service,
    strategy: view.strategy,
    options: optionsOf(view),
    note: emergencyText(view),
    targets: view.targets.filter(isTaking).map((target) => ({
      address: formatHostPort(target.host, target.port),
      instance: target.serviceId,
      weight: target.fixedWeight,
      share: target.share,
    })),
  };
}

function unheardProblem(
  { id, kind, host, service }: RouterView,
  relays: readonly string[],
): ProblemView | undefined {
  if (kind !== 'tcp') return undefined;
  const [port] = /:\d+$/.exec(host) ?? [];
  if (port === undefined || relays.some((address) => address.endsWith(port))) return undefined;
  const message = `nobody listens on ${host}: a [[balancer.listener]] with protocol = "tcp" and that port does`;
  return { key: `unheard ${id}`, place: `TCP route ${id} (${service})`, message };
}

/** Where a request goes, as steps: the listener, the route and those passed over, each candidate with its reason. */
function explain(
  url: URL,
  {
    catalog,
    router,
    listeners,
    ejections,
  }: Pick<TrafficParts, 'catalog' | 'router' | 'listeners'> & { ejections: readonly Ejection[] },
): Explanation {
  const isSecure = url.protocol === 'https:';
  const port = url.port || (isSecure ? '443' : '80');
  const { host, path, route, passedOver } = router.explain(url.host, url.pathname, isSecure);
  const steps: ExplainStep[] = [
    {
      kind: 'listener',
      // Without one at this port something stands in front of them.
      title: listeners.find((one) => one.endsWith(`:${port}`)) ?? listeners.join(', '),
      reason: `takes the request for ${host || 'any host'}${path}`,
      taken: true,
      state: null,
    },
  ];
  if (route !== undefined) {
    const hosts = route.host === '' ? 'any host' : `host ${route.host}`;
    const options = Object.entries(optionsOf(route)).map(([name, value]) => `, ${name} ${value}`);
    const emergency = emergencyText(route);
    const reason = `${hosts}, path from ${route.path}; ${route.service}, strategy ${route.strategy}${options.join('')}${emergency === '' ? '' : `; ${emergency}`}`;
    steps.push({ kind: 'route', title: route.id, reason, taken: true, state: null });
  }
  for (const { route: other, reason } of passedOver)
    steps.push({ kind: 'route', title: other.id, reason, taken: false, state: null });
  if (route === undefined) {
    const { route: other } = router.explain(url.hostname, url.pathname, isSecure);
    const hint =
      other === undefined || url.port === ''
        ? ''
        : `. ${other.id} takes it for the host ${url.hostname}: a port in the request's Host counts, so ask without it, or give the tag the port (${url.host})`;
    const reason = `no route has a prefix of ${path} for the host ${host} or for any host${hint}`;
    steps.push({ kind: 'end', title: '404', reason, taken: true, state: null });
    return { url: url.href, route: null, service: '', steps };
  }
  const ejected = new Map(ejections.map((ejection) => [ejection.id, ejection]));
  const candidates = route.targets.map((target) =>
    candidate(catalog, target, route, ejected.get(target.instance)),
  );
  candidates.sort((a, b) => Number(b.taken) - Number(a.taken));
  steps.push(...candidates.slice(0, MOST_CANDIDATES));
  if (!candidates.some(({ taken }) => taken))
    steps.push({
      kind: 'end',
      title: '503',
      reason: `${route.service} has no instance that takes requests`,
      taken: true,
      state: null,
    });
  return { url: url.href, route: route.id, service: route.service, steps };
}

function candidate(
  catalog: Catalog,
  target: TargetView,
  route: RouterView,
  ejection: Ejection | undefined,
): ExplainStep {
  const title = `${target.serviceId} at ${formatHostPort(target.host, target.port)}`;
  const out = target.out || target.obstacle;
  if (out !== '')
    return { kind: 'candidate', title, reason: out, taken: false, state: stateOf(catalog, target) };
  if (ejection !== undefined)
    return { kind: 'candidate', title, reason: `ejected: ${ejection.why}`, taken: false, state: 'ejected' };
  const percent = (target.share * 100).toFixed(target.share > 0 && target.share < 0.1 ? 1 : 0);
  const reason = [...standingWords(target, route, Date.now()), `gets ${percent} % of the requests`].join(
    '; ',
  );
  const state = (target.standing?.doubtful ?? '') === '' ? 'passing' : stateOf(catalog, target);
  return { kind: 'candidate', title, reason, taken: target.share > 0, state };
}

/** What the checks say of an instance; null when it is gone in the meantime. */
function stateOf(catalog: Catalog, { node, serviceId }: TargetView): State | null {
  const service = catalog.get('services', serviceKey(node, serviceId));
  const instance = service === undefined ? undefined : instanceOf(catalog, service);
  return instance === undefined ? null : aggregate(instance.checks);
}
