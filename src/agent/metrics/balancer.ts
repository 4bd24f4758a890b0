import type { HistogramSample, Sample } from '../../lib/metrics.ts';
import type { Tally } from '../../proxy/counters.ts';
import { LATENCY_BOUNDS } from '../../proxy/latency-buckets.ts';
import type { RouteView, TargetView } from '../../route/view.ts';
import type { Balancer } from '../balancer.ts';
import { type Metric, type Metrics, single } from './metric.ts';

export interface BalancerSources {
  /** Undefined where there is none. */
  readonly balancer:
    | (Pick<Balancer, 'counters' | 'router' | 'connections'> & {
        readonly traffic: { outs(): readonly { readonly service: string; readonly address: string }[] };
      })
    | undefined;
}

/**
 * Seconds. Edges of the counters' own buckets, an octave apart, so that no count is estimated: from 0.5 ms (a static
 * answer) to 33 s (somebody waits).
 */
const BOUNDS_MS = LATENCY_BOUNDS.filter((bound) => bound >= 0.4 && bound < 40_000 && isOctave(bound));
const BOUNDS = BOUNDS_MS.map((bound) => bound / 1000);

function isOctave(ms: number): boolean {
  return Number.isInteger(Math.log2(ms * 1000));
}

function ofAll(
  type: 'counter' | 'gauge',
  help: string,
  read: (tally: Tally) => number,
): Metric<BalancerSources> {
  return single(type, help, ({ balancer }) => balancer && read(balancer.counters.overall()));
}

function classes({ classes: counts }: Tally, labels: Readonly<Record<string, string>>): Sample[] {
  return counts.flatMap((value, index) =>
    value === 0 ? [] : [{ labels: { ...labels, class: `${index + 1}xx` }, value }],
  );
}

function histogram({ histogram: counts, time }: Tally, labels: HistogramSample['labels']): HistogramSample {
  const rows = Array<number>(BOUNDS_MS.length + 1).fill(0);
  counts.forEach((count, bucket) => {
    const at = BOUNDS_MS.findIndex((bound) => (LATENCY_BOUNDS[bucket] ?? Number.POSITIVE_INFINITY) <= bound);
    rows[at < 0 ? BOUNDS_MS.length : at] = (rows[at < 0 ? BOUNDS_MS.length : at] ?? 0) + count;
  });
  return { labels, counts: rows, sum: time / 1000 };
}

function routes({
  balancer,
}: BalancerSources): { route: RouteView; tally: Tally; labels: Record<string, string> }[] {
  if (balancer === undefined) return [];
  return balancer.router.routes().map((route) => ({
    route,
    tally: balancer.counters.slot(route.slot),
    labels: { route: route.id, service: route.service },
  }));
}

/** Instances that routes lead to, each once, however many do. */
function targets({
  balancer,
}: BalancerSources): { target: TargetView; tally: Tally; labels: Record<string, string> }[] {
  if (balancer === undefined) return [];
  const all = new Map(
    balancer.router.routes().flatMap(({ targets }) => targets.map((target) => [target.instance, target])),
  );
  return [...all.values()].map((target) => ({
    target,
    tally: balancer.counters.slot(target.slot),
    labels: { service: target.service, instance: target.serviceId, node: target.node },
  }));
}

/** An instance's series; they are gone with it. */
function ofInstances(
  type: 'counter' | 'gauge',
  help: string,
  read: (tally: Tally) => number,
): Metric<BalancerSources> {
  return {
    type,
    help,
    labels: ['service', 'instance', 'node'],
    read: (sources) => targets(sources).map(({ tally, labels }) => ({ labels, value: read(tally) })),
  };
}

export const balancerMetrics: Metrics<BalancerSources> = {
  muster_balancer_connections_total: ofAll('counter', 'Connections of clients.', (all) => all.connections),
  muster_balancer_open_connections: ofAll(
    'gauge',
    'Clients that are connected.',
    (all) => all.openConnections,
  ),
  muster_balancer_requests_total: {
    type: 'counter',
    help: 'Requests by class of the answer; what was cut off before has none.',
    labels: ['class'],
    read: ({ balancer }) => (balancer === undefined ? [] : classes(balancer.counters.overall(), {})),
  },
  muster_balancer_requests_in_flight: ofAll(
    'gauge',
    'Requests that are being served.',
    (all) => all.inFlight,
  ),
  muster_balancer_request_seconds: {
    type: 'histogram',
    help: 'From the head of a request to the end of its answer.',
    labels: [],
    bounds: BOUNDS,
    read: ({ balancer }) => (balancer === undefined ? [] : [histogram(balancer.counters.overall(), {})]),
  },
  muster_balancer_own_answers_total: {
    type: 'counter',
    help: 'Errors that the balancer itself answered with: no route, no instance, too many waiting.',
    labels: ['class'],
    read({ balancer }) {
      if (balancer === undefined) return [];
      const { own4xx, own5xx } = balancer.counters.overall();
      return [
        { labels: { class: '4xx' }, value: own4xx },
        { labels: { class: '5xx' }, value: own5xx },
      ];
    },
  },
  muster_balancer_not_found_total: ofAll('counter', 'Requests without a route.', (all) => all.notFound),
  muster_balancer_retries_total: ofAll('counter', 'Requests that were sent again.', (all) => all.retries),
  muster_balancer_connect_failures_total: ofAll(
    'counter',
    'Connections to instances that failed.',
    (all) => all.connectFailures,
  ),
  muster_balancer_cuts_total: ofAll(
    'counter',
    'Connections that instances cut before they answered.',
    (all) => all.cuts,
  ),
  muster_balancer_received_bytes_total: ofAll('counter', 'From clients.', (all) => all.bytesIn),
  muster_balancer_sent_bytes_total: ofAll('counter', 'To clients.', (all) => all.bytesOut),
  muster_balancer_tunnels: ofAll(
    'gauge',
    'Open connections that left HTTP, WebSockets above all.',
    (all) => all.tunnels,
  ),
  muster_balancer_routes: single(
    'gauge',
    'Routes in force.',
    ({ balancer }) => balancer?.router.routes().filter(({ isInForce }) => isInForce).length,
  ),
  muster_balancer_problems: single(
    'gauge',
    'Tags and route commands that could not be used.',
    ({ balancer }) => balancer?.router.problems().length,
  ),
  muster_route_requests_total: {
    type: 'counter',
    help: 'Requests by route and class of the answer.',
    labels: ['route', 'service', 'class'],
    read: (sources) => routes(sources).flatMap(({ tally, labels }) => classes(tally, labels)),
  },
  muster_route_request_seconds: {
    type: 'histogram',
    help: 'From the head of a request to the end of its answer, by route.',
    labels: ['route', 'service'],
    bounds: BOUNDS,
    read: (sources) =>
      routes(sources)
        .filter(({ tally }) => tally.requests > 0)
        .map(({ tally, labels }) => histogram(tally, labels)),
  },
  muster_instance_requests_total: {
    type: 'counter',
    help: 'Requests by instance and class of the answer.',
    labels: ['service', 'instance', 'node', 'class'],
    read: (sources) => targets(sources).flatMap(({ tally, labels }) => classes(tally, labels)),
  },
  muster_instance_requests_in_flight: ofInstances(
    'gauge',
    'Requests that an instance serves.',
    (one) => one.inFlight,
  ),
  muster_instance_connect_failures_total: ofInstances(
    'counter',
    'Connections to an instance that failed.',
    (one) => one.connectFailures,
  ),
  muster_instance_ejected: {
    type: 'gauge',
    help: '1 for an instance that gets no requests because of how it answered; others have no series.',
    labels: ['service', 'address'],
    read: ({ balancer }) =>
      (balancer?.traffic.outs() ?? []).map(({ service, address }) => ({
        labels: { service, address },
        value: 1,
      })),
  },
  muster_l4_connections: {
    type: 'gauge',
    help: 'Connections or UDP sessions of a balanced TCP or UDP service that are open.',
    labels: ['service', 'protocol'],
    read: ({ balancer }) =>
      (balancer?.connections() ?? []).map(({ service, protocol, active }) => ({
        labels: { service, protocol },
        value: active,
      })),
  },
  muster_l4_instance_connections_total: {
    type: 'counter',
    help: 'Connections or UDP sessions that an instance of a TCP or UDP service was given.',
    labels: ['service', 'instance', 'node'],
    read: ({ balancer }) =>
      (balancer?.connections() ?? []).flatMap(({ service, instances }) =>
        instances.map(({ id, node, connections }) => ({
          labels: { service, instance: id, node },
          value: connections,
        })),
      ),
  },
};
