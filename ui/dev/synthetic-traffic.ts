import { addressKey, instanceView } from '../../src/api/muster/instance-view.ts';
import type { Counters, TargetOut, TrafficSample, TrafficSource } from '../../src/api/muster/traffic.ts';
import type { InstanceView, ProblemView, RouteView } from '../../src/api/muster/wire.ts';
import type { Explanation } from '../../src/api/muster/wire-answers.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { instanceOf } from '../../src/catalog/views.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { explainFrom } from './explain.ts';

/** Rising by a factor of 1.5 from 0.1 ms. */
const BOUNDS = Array.from({ length: 32 }, (_, index) => 0.1 * 1.5 ** index);

interface Count {
  requests: number;
  errors: number;
  inFlight: number;
  latency: number[];
}

const PEAKS: Record<string, number> = { 'hello-server': 420, api: 180, shop: 60, fleet: 3000 };

/** Made-up traffic over the real catalog: a wave for each service, spread over its passing instances. */
export class SyntheticTraffic implements TrafficSource {
  readonly latencyBounds = BOUNDS;
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #random: () => number;
  #routes: RouteView[] = [];
  #last = 0;
  readonly #counts = new Map<string, Count>();
  readonly #outs = new Map<string, TargetOut>();
  readonly #problems: ProblemView[] = [
    {
      key: 'postgres-1',
      place: 'tag of postgres-1 (postgres)',
      message: '“urlprefix-db.example.com” has no path: write “urlprefix-db.example.com/”.',
    },
  ];

  constructor(catalog: Catalog, clock: Clock, random: () => number) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#random = random;
  }

  /** What passes has it. */
  obstacle(): undefined {
    return undefined;
  }

  /** Not between two samples. */
  inFlight(): undefined {
    return undefined;
  }

  /** Builds the routes from the tags. */
  refresh(): void {
    const byPlace = new Map<string, InstanceView[]>();
    for (const instance of this.#instances()) {
      for (const tag of instance.tags) {
        if (!tag.startsWith('urlprefix-')) continue;
        const key = `${tag.slice('urlprefix-'.length)} ${instance.service}`;
        byPlace.set(key, [...(byPlace.get(key) ?? []), instance]);
      }
    }
    this.#routes = [...byPlace].map(([key, all]): RouteView => {
      const [place = '', service = ''] = key.split(' ');
      const slash = place.indexOf('/');
      const targets = all.filter(
        ({ state }) => state === 'passing' || state === 'ejected' || state === 'draining',
      );
      return {
        key,
        listener: '127.0.0.1:9999',
        host: place.slice(0, slash),
        path: place.slice(slash),
        service,
        strategy: 'rr',
        options: service === 'api' ? { strip: '/api' } : {},
        targets: targets.map((one) => ({
          address: addressKey(one),
          instance: one.id,
          weight: 1,
          share: 1 / targets.length,
        })),
      };
    });
  }

  eject(service: string, number: number, reason: string, ms: number): void {
    const one = this.#instances().find(({ id }) => id === `${service}-${number}`);
    if (one === undefined) return;
    const address = addressKey(one);
    const now = this.#clock.now();
    this.#outs.set(address, { service, address, state: 'ejected', since: now, reason, probeAt: now + ms });
    this.#clock.after(ms * 4, () => this.#outs.delete(address));
  }

  drain(service: string, number: number): void {
    const one = this.#instances().find(({ id }) => id === `${service}-${number}`);
    if (one === undefined) return;
    const address = addressKey(one);
    const since = this.#clock.now();
    this.#outs.set(address, {
      service,
      address,
      state: 'draining',
      since,
      reason: 'asked for',
      probeAt: null,
    });
  }

  routes(): readonly RouteView[] {
    return this.#routes;
  }

  outs(): readonly TargetOut[] {
    return [...this.#outs.values()];
  }

  problems(): readonly ProblemView[] {
    return this.#routes.length === 0 ? [] : this.#problems;
  }

  explain(url: URL): Explanation {
    const instances = this.#instances();
    return explainFrom(url, this.#routes, (service) => instances.filter((one) => one.service === service));
  }

  sample(): TrafficSample {
    const now = this.#clock.now();
    const seconds = this.#last === 0 ? 1 : (now - this.#last) / 1000;
    this.#last = now;
    const overall = this.#count('overall');
    overall.inFlight = 0;
    const targets: (Counters & { service: string; address: string })[] = [];
    const routes: (Counters & { key: string })[] = [];
    for (const route of this.#routes) {
      const scope = this.#count(`route ${route.key}`);
      scope.inFlight = 0;
      const live = route.targets.filter(({ address }) => !this.#outs.has(address));
      const wave = 0.75 + 0.2 * Math.sin(now / 40_000) + 0.1 * Math.sin(now / 7000) + 0.05 * this.#random();
      const rate = (PEAKS[route.service] ?? 0) * wave;
      for (const { address } of route.targets) {
        const count = this.#count(`target ${route.service} ${address}`);
        const requests = live.some((one) => one.address === address)
          ? Math.round((rate / live.length) * seconds * (0.9 + 0.2 * this.#random()))
          : 0;
        const faults = route.service === 'api' ? 0.03 : route.service === 'shop' ? 0 : 0.0004;
        const errors = Math.round(requests * faults * this.#random() * 2);
        const inFlight = Math.round(requests * 0.012 * this.#random());
        for (const one of [count, scope, overall]) {
          one.requests += requests;
          one.errors += errors;
        }
        count.inFlight = inFlight;
        scope.inFlight += inFlight;
        overall.inFlight += inFlight;
        this.#measure(requests, [count, scope, overall], route.service === 'api' ? 9 : 3);
        targets.push({ service: route.service, address, ...count });
      }
      routes.push({ key: route.key, ...scope });
    }
    return { overall, routes, targets };
  }

  #measure(requests: number, counts: Count[], middle: number): void {
    // A handful of draws stand for all: the shape is what is looked at.
    const draws = Math.min(requests, 20);
    for (let draw = 0; draw < draws; draw++) {
      const ms = middle * Math.exp((this.#random() + this.#random() + this.#random() - 1.5) * 1.6);
      const bucket = BOUNDS.findIndex((bound) => ms <= bound);
      for (const { latency } of counts) latency[bucket] = (latency[bucket] ?? 0) + requests / draws;
    }
  }

  #count(key: string): Count {
    let count = this.#counts.get(key);
    if (count === undefined) {
      count = { requests: 0, errors: 0, inFlight: 0, latency: BOUNDS.map(() => 0) };
      this.#counts.set(key, count);
    }
    return count;
  }

  #instances(): InstanceView[] {
    return this.#catalog.all('services').flatMap((row) => {
      const instance = instanceOf(this.#catalog, row);
      if (instance === undefined) return [];
      const view = instanceView(instance, undefined, undefined, null);
      return [instanceView(instance, this.#outs.get(addressKey(view)), undefined, null)];
    });
  }
}
