/** What there is to tell, under fabio's names. Read from the counters when somebody asks; routes that are gone are gone. */
import type { CounterReader, Tally } from '../../../proxy/counters.ts';
import type { Router } from '../../../route/router.ts';
import type { RouteMetric } from './names.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** Set for metrics of one target of one route. */
  readonly route?: RouteMetric;
  readonly value: number;
}

export interface HistogramSample extends Omit<Sample, 'value'> {
  readonly count: number;
  /** Milliseconds. */
  readonly sum: number;
  /** By `LATENCY_BOUNDS`. */
  readonly histogram: readonly number[];
}

export type Family = { readonly name: string; readonly about: string } & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly Sample[] }
  | { readonly type: 'histogram'; readonly samples: readonly HistogramSample[] }
);

/** Everything, at this moment. */
export function families(counters: CounterReader, router: Router): Family[] {
  const all = counters.overall();
  const codes = counters.codes();
  const targets = router.routes().flatMap((route) =>
    route.targets
      .filter(({ out }) => out === '')
      .map((target) => ({
        kind: route.kind,
        tally: counters.slot(target.slot),
        route: { service: target.service, host: route.host, path: route.path, target: target.url },
      })),
  );
  const services = byService(targets);
  return [
    {
      name: 'requests',
      about: 'Answers of instances by service, in seconds.',
      type: 'histogram',
      samples: [...services].map(([service, sum]) => ({ labels: { service }, ...sum })),
    },
    {
      name: 'http.status',
      about: 'Answers of instances by status code, in seconds, and those that nobody could give (5xx).',
      type: 'histogram',
      samples: codes.flatMap(({ status, time, histogram }) => {
        const count = total(histogram);
        return count === 0 ? [] : [{ labels: { code: String(status) }, count, sum: time, histogram }];
      }),
    },
    {
      name: 'http.redirect.count',
      about: 'Redirects by status code.',
      type: 'counter',
      samples: codes
        .filter(({ status, own }) => status >= 300 && status < 400 && own > 0)
        .map(({ status, own }) => ({ labels: { code: String(status) }, value: own })),
    },
    one('notfound', 'Requests without a route.', 'counter', all.notFound),
    one('ws.conn', 'Open connections that left HTTP.', 'gauge', all.tunnels),
    one(
      'tcp.conn',
      'Connections to instances of TCP routes.',
      'counter',
      sumOf(targets, ({ connections }) => connections),
    ),
    one(
      'tcp.connfail',
      'Connections to instances of TCP routes that failed.',
      'counter',
      sumOf(targets, ({ connectFailures }) => connectFailures),
    ),
    {
      name: 'route',
      about: 'Answers by route and instance, in seconds.',
      type: 'histogram',
      samples: targets
        .filter(({ kind }) => kind === 'http')
        .map(({ route, tally }) => ({ labels: { ...route }, route, ...histogramOf(tally) })),
    },
    {
      name: 'route.rx',
      about: 'Bytes from instances by TCP route and instance.',
      type: 'counter',
      samples: targets
        .filter(({ kind }) => kind === 'tcp')
        .map(({ route, tally }) => ({ labels: { ...route }, route, value: tally.bytesOut })),
    },
    {
      name: 'route.tx',
      about: 'Bytes to instances by TCP route and instance.',
      type: 'counter',
      samples: targets
        .filter(({ kind }) => kind === 'tcp')
        .map(({ route, tally }) => ({ labels: { ...route }, route, value: tally.bytesIn })),
    },
  ];
}

/** Over the instances of TCP routes. */
function sumOf(targets: readonly { kind: string; tally: Tally }[], of: (tally: Tally) => number): number {
  return targets.reduce((sum, { kind, tally }) => sum + (kind === 'tcp' ? of(tally) : 0), 0);
}

function one(name: string, about: string, type: 'counter' | 'gauge', value: number): Family {
  return { name, about, type, samples: [{ labels: {}, value }] };
}

function histogramOf({ histogram, time }: Tally) {
  return { histogram, sum: time, count: total(histogram) };
}

function total(histogram: readonly number[]): number {
  return histogram.reduce((a, b) => a + b, 0);
}

function byService(targets: readonly { route: RouteMetric; tally: Tally }[]) {
  const sums = new Map<string, { histogram: number[]; sum: number; count: number }>();
  for (const { route, tally } of targets) {
    const { histogram, sum, count } = histogramOf(tally);
    const known = sums.get(route.service);
    if (known === undefined) sums.set(route.service, { histogram: [...histogram], sum, count });
    else {
      known.sum += sum;
      known.count += count;
      histogram.forEach((value, i) => {
        known.histogram[i]! += value;
      });
    }
  }
  return sums;
}
