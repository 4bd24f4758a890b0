import type { Counters, TargetOut, TrafficSource } from '../api/muster/traffic.ts';
import type { ProblemView, RouteView } from '../api/muster/wire.ts';
import type { ConnectionsView } from '../api/muster/wire-answers.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { fold } from '../catalog/tables.ts';
import type { Traffic } from '../group/surroundings.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { CounterReader } from '../proxy/counters.ts';
import { IN_FLIGHT } from '../proxy/counters.ts';
import type { Ejection } from '../proxy/ejector.ts';
import { LATENCY_BOUNDS } from '../proxy/latency-buckets.ts';
import type { ProxySettings } from '../proxy/settings.ts';
import type { Router } from '../route/router.ts';
import { SHARED_SLOT } from '../route/slots.ts';
import type { RouteView as RouterView, TargetView } from '../route/view.ts';
import { type Entrance, explain, isForRequests } from './explain.ts';
import { emergencyText, optionsOf } from './route-words.ts';

export interface TrafficParts {
  catalog: Catalog;
  router: Router;
  counters: CounterReader;
  /** Listeners for HTTP, and those for TCP routes. */
  entrances: readonly Entrance[];
  /** Those in force. */
  settings?: () => ProxySettings;
  /** Of the services over TCP and UDP, which count in slots of their own. */
  connections?: () => readonly ConnectionsView[];
  ejections: () => readonly Ejection[];
}

/** What the dashboard sees of the balancer: the router's routes, the workers' counters and ejections. */
export function trafficOf(parts: TrafficParts): TrafficSource {
  const { catalog, router, counters, entrances, ejections } = parts;
  const { connections = () => [], settings = () => ({}) } = parts;
  const listener = entrances
    .filter(isForRequests)
    .map(({ address }) => address)
    .join(', ');
  const relays = entrances.filter((one) => !isForRequests(one)).map(({ address }) => address);
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
    explain: (url) =>
      explain(url, { catalog, router, entrances, settings: settings(), ejections: ejections() }),
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
