import type { Catalog } from '../../catalog/catalog.ts';
import type { Change, ChangeBatch } from '../../catalog/feed.ts';
import type { Service } from '../../catalog/rows.ts';
import { fold, serviceKey } from '../../catalog/tables.ts';
import { addressOf, instanceOf } from '../../catalog/views.ts';
import type { EventLog } from '../../cluster/event-log.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { ClusterWatch, type LookAtCluster } from './cluster-watch.ts';
import { addressKey, instanceView } from './instance-view.ts';
import { Meter } from './meter.ts';
import { newsOf, type Sampled, Samples } from './news.ts';
import { Picture } from './picture.ts';
import { difference } from './route-difference.ts';
import { Tally } from './tally.ts';
import type { TargetOut, TrafficSource } from './traffic.ts';
import { type About, type Delta, type InstanceView, type RouteView, trafficKey } from './wire.ts';
import { type Happening, tell } from './words.ts';

/** At most ten deltas a second: faster than an eye follows, slow enough for a phone. */
const DELTA_EVERY = 100;
/** Rates are those of one second. */
const SAMPLE_EVERY = 1000;
/** Instances that are looked at in one turn: some milliseconds. */
const AT_ONCE = 256;

export interface LiveOptions {
  catalog: Catalog;
  traffic: TrafficSource;
  about: About;
  clock: Clock;
  logger: Logger;
  /** Asked for while somebody follows. */
  look: LookAtCluster;
  /** Looked at once a second while somebody follows. */
  sampled?: Sampled;
  events?: Pick<EventLog, 'subscribe'>;
}

/** The picture behind the dashboard, kept up to date from the change feed and from samples of the traffic. */
export interface Live {
  readonly traffic: TrafficSource;
  readonly meter: Meter;
  /** The picture with all that is known at this moment; those who follow have been told all of it. */
  current(): Picture;
  /** Calls `sink` with every delta after `current()`; the answer ends it. */
  follow(sink: (delta: Delta) => void): () => void;
  now(): number;
  stop(): void;
}

export function startLive(options: LiveOptions): Live {
  return new LivePicture(options);
}

class LivePicture implements Live {
  readonly #picture: Picture;
  readonly traffic: TrafficSource;
  readonly meter: Meter;
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #tally = new Tally();
  readonly #sinks = new Set<(delta: Delta) => void>();
  /** Keys of instances to be looked at again. */
  readonly #touched = new Set<string>();
  /** Services of instances that were looked at again. */
  readonly #moved = new Set<string>();
  /** Services of before the start, of which those from `#seen` on were not looked at yet; [] once all were. */
  #early: readonly Service[];
  #seen = 0;
  #cancelLook: (() => void) | undefined;
  #happenings: Happening[] = [];
  #outs = new Map<string, TargetOut>();
  /** Instances by what the balancer calls them: an ejection names an address. Mostly one has it alone. */
  readonly #byTarget = new Map<string, string | Set<string>>();
  #routes: readonly RouteView[] = [];
  #problems: unknown;
  #seq = 1;
  #flushedAt = 0;
  #cancelFlush: (() => void) | undefined;
  #cancelSample: (() => void) | undefined;
  readonly #watch: ClusterWatch;
  readonly #samples: Samples;
  readonly #unsubscribe: readonly (() => void)[];

  constructor({ catalog, traffic, about, clock, logger, look, sampled, events }: LiveOptions) {
    this.#catalog = catalog;
    this.traffic = traffic;
    this.#clock = clock;
    this.#logger = logger;
    this.meter = new Meter(traffic);
    this.#picture = new Picture(about);
    const picture = this.#picture;
    this.#watch = new ClusterWatch({ picture, look, clock, logger, tell: () => this.#soon() });
    this.#samples = new Samples({ latency: () => this.meter.steppedAt, ...sampled });
    this.#early = catalog.unordered('services');
    this.#look();
    this.#sample();
    this.#happenings = [];
    this.#unsubscribe = [
      catalog.feed.subscribe((batch) => this.#onBatch(batch)),
      events?.subscribe(() => {
        picture.addNews('events');
        this.#soon();
      }) ?? (() => {}),
    ];
  }

  current(): Picture {
    // Routes and ejections are told by nobody: who asks in the moment after one is not to wait for the next sample.
    this.#lookAtRoutes();
    this.#lookAtOuts();
    this.#flush();
    return this.#picture;
  }

  follow(sink: (delta: Delta) => void): () => void {
    this.#flush();
    this.#sinks.add(sink);
    this.#watch.start();
    return () => {
      this.#sinks.delete(sink);
      if (this.#sinks.size === 0) this.#watch.stop();
    };
  }

  now(): number {
    return this.#clock.now();
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#watch.stop();
    this.#cancelLook?.();
    this.#cancelFlush?.();
    this.#cancelSample?.();
    this.#sinks.clear();
  }

  /** Goes on with what was there at the start: a large catalog must not hold the start up. */
  #look(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    const end = Math.min(this.#early.length, this.#seen + AT_ONCE);
    for (; this.#seen < end; this.#seen++) {
      const { node, id } = this.#early[this.#seen] as Service;
      this.#refresh(serviceKey(node, id), null);
    }
    if (this.#isLooking) {
      this.#cancelLook = this.#clock.after(0, () => this.#look());
      return;
    }
    for (const name of new Set(this.#early.map(({ name }) => name))) this.#sumUp(name);
    this.#early = [];
    this.#picture.takeDelta(this.#clock.now());
    this.#soon();
  }

  get #isLooking(): boolean {
    return this.#seen < this.#early.length;
  }

  #onBatch({ changes }: ChangeBatch): void {
    for (const change of changes) {
      this.#note(change);
      this.#watch.note(change);
      for (const subject of newsOf(change)) this.#picture.addNews(subject);
    }
    this.#soon();
  }

  /** Only marks what a change bears on: the look itself is taken ten times a second at most. */
  #note(change: Change): void {
    switch (change.table) {
      case 'services':
        this.#touched.add(change.key);
        return;
      case 'checks':
        for (const row of [change.before, change.after]) {
          if (row === undefined) continue;
          if (row.serviceId === '') this.#touchNode(row.node);
          else this.#touched.add(serviceKey(row.node, row.serviceId));
        }
        return;
      case 'nodes': {
        const { before, after } = change;
        if (before === undefined && after !== undefined)
          this.#happenings.push({ kind: 'node', what: after.name, became: 'joined' });
        if (before !== undefined && after === undefined)
          this.#happenings.push({ kind: 'node', what: before.name, became: 'left' });
        this.#touchNode(change.key);
        return;
      }
      case 'kv':
        this.#happenings.push({
          kind: 'key',
          what: change.key,
          became: change.after === undefined ? 'deleted' : 'set',
        });
        return;
      case 'tombstones':
      case 'sessions':
      case 'lockDelays':
        return;
    }
  }

  #touchNode(node: string): void {
    for (const service of this.#catalog.list('services', 'node', fold(node)))
      this.#touched.add(serviceKey(service.node, service.id));
  }

  #soon(): void {
    if (this.#cancelFlush !== undefined || this.#isLooking) return;
    // Whoever sets the time back keeps nobody waiting.
    const wait = Math.min(DELTA_EVERY, Math.max(0, this.#flushedAt + DELTA_EVERY - this.#clock.now()));
    this.#cancelFlush = this.#clock.after(wait, () => this.#flushInTurns());
  }

  /** A commit may bear on all instances, after a restore say: those who follow wait for it, nobody else does. */
  #flushInTurns(): void {
    this.#lookAgain(AT_ONCE);
    if (this.#touched.size === 0) this.#flush();
    else this.#cancelFlush = this.#clock.after(0, () => this.#flushInTurns());
  }

  /** Looks again at `most` of what was touched. */
  #lookAgain(most: number): void {
    const now = this.#clock.now();
    let rest = most;
    for (const key of this.#touched) {
      if (rest-- === 0) return;
      this.#touched.delete(key);
      for (const name of this.#refresh(key, now)) this.#moved.add(name);
    }
  }

  #flush(): void {
    while (this.#isLooking) this.#look();
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    const now = this.#clock.now();
    this.#flushedAt = now;
    this.#lookAgain(Number.POSITIVE_INFINITY);
    for (const name of this.#moved) this.#sumUp(name);
    this.#moved.clear();
    for (const line of tell(this.#happenings, this.#seq, now)) {
      this.#seq = line.seq + 1;
      this.#picture.addChange(line);
    }
    this.#happenings = [];
    const delta = this.#picture.takeDelta(now);
    if (delta !== undefined) for (const sink of this.#sinks) sink(delta);
  }

  /** Looks at one instance again. Answers the services it belonged and belongs to. */
  #refresh(key: string, now: number | null): string[] {
    const before = this.#picture.instances.get(key);
    const row = this.#catalog.get('services', key);
    const instance = row && instanceOf(this.#catalog, row);
    let after: InstanceView | undefined;
    if (instance !== undefined) {
      const { service } = instance;
      const target = targetOf({ service: service.name, address: addressOf(instance), port: service.port });
      after = instanceView(instance, this.#outs.get(target), before, now);
    }
    if (after === undefined) this.#picture.remove('instances', key);
    else this.#picture.put('instances', after);
    this.#point(before, after);
    const isMoved = before?.state !== after?.state || before?.service !== after?.service;
    this.#tally.move(before, after, isMoved ? now : null);
    if (now !== null) this.#happenings.push(...whatHappened(before, after));
    return [before, after].flatMap((view) => view?.service ?? []);
  }

  #point(before: InstanceView | undefined, after: InstanceView | undefined): void {
    const [from, to] = [before && targetOf(before), after && targetOf(after)];
    if (from === to) return;
    if (before !== undefined && from !== undefined) {
      const keys = this.#byTarget.get(from);
      if (keys instanceof Set) keys.delete(before.key);
      if (keys === before.key || (keys instanceof Set && keys.size === 0)) this.#byTarget.delete(from);
    }
    if (after !== undefined && to !== undefined) {
      const keys = this.#byTarget.get(to);
      if (keys === undefined) this.#byTarget.set(to, after.key);
      else if (keys instanceof Set) keys.add(after.key);
      else this.#byTarget.set(to, new Set([keys, after.key]));
    }
  }

  #sumUp(service: string): void {
    const view = this.#tally.view(service);
    if (view === undefined) this.#picture.remove('services', fold(service));
    else this.#picture.put('services', view);
  }

  #sample(): void {
    this.#cancelSample = this.#clock.after(SAMPLE_EVERY, () => this.#sample());
    try {
      this.#sampleTraffic(this.#clock.now());
      if (this.#sinks.size > 0) for (const subject of this.#samples.changed()) this.#picture.addNews(subject);
    } catch (error) {
      this.#logger.error('the traffic could not be sampled', { error: String(error) });
    }
    this.#soon();
  }

  #sampleTraffic(now: number): void {
    const views = this.meter.sample(now);
    const present = new Set<string>();
    for (const view of views) {
      present.add(view.key);
      this.#picture.put('traffic', view);
      if (view.key === trafficKey.overall) {
        const { requests, errors, p50, p99 } = view;
        this.#picture.addHistory({ at: now, requests, errors, p50, p99 });
      }
    }
    for (const key of this.#picture.traffic.keys())
      if (!present.has(key)) this.#picture.remove('traffic', key);
    this.#lookAtRoutes();
    this.#lookAtOuts();
  }

  #lookAtRoutes(): void {
    const routes = this.traffic.routes();
    if (routes !== this.#routes) {
      const { gone, come } = difference(this.#routes, routes);
      for (const route of gone) {
        this.#picture.remove('routes', route.key);
        this.#happenings.push(routeHappening(route, 'removed'));
      }
      for (const route of come) {
        if (!this.#picture.routes.has(route.key)) this.#happenings.push(routeHappening(route, 'added'));
        this.#picture.put('routes', route);
      }
      this.#routes = routes;
    }
    const problems = this.traffic.problems();
    if (problems === this.#problems) return;
    this.#problems = problems;
    const keys = new Set(problems.map(({ key }) => key));
    for (const key of this.#picture.problems.keys())
      if (!keys.has(key)) this.#picture.remove('problems', key);
    for (const problem of problems) this.#picture.put('problems', problem);
  }

  #lookAtOuts(): void {
    const outs = new Map<string, TargetOut>();
    for (const out of this.traffic.outs()) outs.set(`${fold(out.service)} ${out.address}`, out);
    const before = this.#outs;
    this.#outs = outs;
    for (const target of new Set([...before.keys(), ...outs.keys()])) {
      if (before.get(target) === outs.get(target)) continue;
      const keys = this.#byTarget.get(target) ?? [];
      for (const key of typeof keys === 'string' ? [keys] : keys) this.#touched.add(key);
    }
  }
}

function targetOf(view: Pick<InstanceView, 'service' | 'address' | 'port'>): string {
  return `${fold(view.service)} ${addressKey(view)}`;
}

function routeHappening({ host, path, service }: RouteView, became: string): Happening {
  return { kind: 'route', what: `${host}${path}`, service, became };
}

function whatHappened(before: InstanceView | undefined, after: InstanceView | undefined): Happening[] {
  const about = (view: InstanceView) => ({ what: view.id, instance: view.key, service: view.service });
  if (after === undefined) return before === undefined ? [] : [{ kind: 'left', ...about(before) }];
  const { state, reason } = after;
  if (before === undefined) return [{ kind: 'joined', ...about(after), state }];
  if (before.service !== after.service)
    return [
      { kind: 'left', ...about(before) },
      { kind: 'joined', ...about(after), state },
    ];
  return before.state === state ? [] : [{ kind: 'state', ...about(after), state, reason }];
}
