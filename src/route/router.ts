import type { StrategyName } from '../balance/strategies.ts';
import type {
  DiscoveredInstance,
  Discovery,
  InstanceChange,
  InstanceListener,
} from '../discovery/instance.ts';
import type { Logger } from '../lib/log.ts';
import { DEFAULT_TABLE, normalHost, pathKey, type TableOptions } from './byte-table.ts';
import { Entry } from './entry.ts';
import { type Explained, explain } from './explain.ts';
import { Slots, type SlotsOptions } from './slots.ts';
import { difference, isPatch, type RouteDelta, type RoutePatch, type RouteSpec } from './spec.ts';
import { parseRouteTag, type RouteTag } from './tag.ts';
import type { RouteProblem, RouteView } from './view.ts';

export interface RouterOptions {
  /** Follows the instances, e.g. `(listener) => followCatalog({ catalog }, listener)`. */
  readonly discover: (listener: InstanceListener) => Discovery;
  /** Told of every change in the tick in which the catalog tells it. Must not throw. */
  readonly publish: (delta: RouteDelta) => void;
  /** Places of routes and instances in the shared counter block; a route's turn has the same place. */
  readonly slots: SlotsOptions;
  readonly log: Logger;
  /** Default "urlprefix-". */
  readonly tagPrefix?: string;
  /** Default "rr". */
  readonly strategy?: StrategyName;
  /** As the workers' compiler has it. */
  readonly table?: TableOptions;
  /**
   * What becomes of a route none of whose instances can take a request: `missing` (default, fabio's way) takes it out, so that the
   * next best route or 404 answers; `unavailable` keeps it, so that it is answered 503 with the service's name.
   */
  readonly whenNoneHealthy?: 'missing' | 'unavailable';
}

export interface Router {
  /** Version of the last delta. */
  readonly version: number;
  /** Everything as one delta, for a worker that starts. */
  snapshot(): RouteDelta;
  /** All workers have applied `version`: slots given back before it may be used again. */
  settled(version: number): void;
  /** All routes, by host and from long to short paths. The same array again while nothing changed. */
  routes(): readonly RouteView[];
  /** Everything that could not be used. The same array again while nothing changed. */
  problems(): readonly RouteProblem[];
  /** Where a request goes and why; `path` without its query. */
  explain(host: string, path: string): Explained;
  /** Looks at all instances again. */
  resync(): void;
  /** Idempotent. */
  stop(): void;
}

/** Follows the instances and keeps the workers' route tables up to date. The first delta is published before it returns. */
export function startRouter(options: RouterOptions): Router {
  return new Routing(options);
}

/** What one instance brought about. */
interface Contribution {
  readonly entries: Set<Entry>;
  readonly problems: readonly RouteProblem[];
}

class Routing implements Router {
  readonly #options: RouterOptions;
  readonly #table: TableOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #contributions = new Map<string, Contribution>();
  readonly #slots: Slots;
  /** How many instances have a problem, by `problemKey`. */
  readonly #reported = new Map<string, number>();
  readonly #discovery: Discovery;
  #version = 0;
  #routes: readonly RouteView[] | undefined;
  #problems: readonly RouteProblem[] | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#table = options.table ?? DEFAULT_TABLE;
    this.#slots = new Slots(options.slots);
    this.#discovery = options.discover((changes) => this.#follow(changes));
  }

  get version(): number {
    return this.#version;
  }

  snapshot(): RouteDelta {
    const changed: RouteSpec[] = [];
    for (const { published } of this.#entries.values()) if (published !== undefined) changed.push(published);
    return { version: this.#version, changed, patched: [], removed: [] };
  }

  settled(version: number): void {
    this.#slots.settle(version);
  }

  routes(): readonly RouteView[] {
    this.#routes ??= [...this.#entries.values()].map((entry) => entry.view()).sort(compareViews);
    return this.#routes;
  }

  problems(): readonly RouteProblem[] {
    this.#problems ??= [
      ...[...this.#contributions.values()].flatMap(({ problems }) => problems),
      ...[...this.#entries.values()].flatMap((entry) => entry.conflicts()),
    ];
    return this.#problems;
  }

  explain(host: string, path: string): Explained {
    return explain(this.routes(), { host, path }, this.#table);
  }

  resync(): void {
    this.#discovery.resync();
  }

  stop(): void {
    this.#discovery.stop();
  }

  #follow(changes: readonly InstanceChange[]): void {
    const touched = new Set<Entry>();
    for (const { id, after } of changes) {
      const before = this.#contributions.get(id);
      for (const entry of before?.entries ?? []) {
        entry.delete(id);
        touched.add(entry);
      }
      const contribution = after === undefined ? undefined : this.#contribute(after);
      if (contribution === undefined) {
        this.#contributions.delete(id);
        this.#slots.release(instanceSlot(id), this.#version + 1);
      } else {
        this.#contributions.set(id, contribution);
        for (const entry of contribution.entries) touched.add(entry);
      }
      this.#report(before?.problems ?? [], contribution?.problems ?? []);
    }
    this.#routes = undefined;
    this.#problems = undefined;
    this.#publish(touched);
  }

  /** Puts an instance into the routes that its tags ask for; undefined when they ask for none. */
  #contribute(instance: DiscoveredInstance): Contribution | undefined {
    const prefix = this.#options.tagPrefix ?? 'urlprefix-';
    const syntax = { prefix, variables: { DC: instance.datacenter }, globs: this.#table.globs };
    const entries = new Set<Entry>();
    const problems: RouteProblem[] = [];
    const read: RouteTag[] = [];
    const otherTags: string[] = [];
    const report = (tag: string, reason: string) =>
      problems.push({ service: instance.service, instance: instance.id, tag, reason });
    for (const tag of instance.tags) {
      const route = parseRouteTag(tag, syntax);
      if (route === undefined) otherTags.push(tag.trim());
      else if (typeof route === 'string') report(tag, route);
      else read.push(route);
    }
    if (read.length === 0 && problems.length === 0) return undefined;
    for (const tag of read) {
      const obstacle = instance.port === 0 ? 'the instance is registered without a port' : tag.obstacle;
      const entry = this.#entry(tag);
      const slot = this.#slots.take(instanceSlot(instance.id));
      entries.add(entry);
      if (!entry.set({ instance, tag, slot, obstacle, otherTags }))
        report(tag.tag, `another tag of the instance already leads to ${entry.id}; this one is used`);
      for (const note of tag.notes) report(tag.tag, note);
      if (obstacle !== '') report(tag.tag, obstacle);
    }
    return { entries, problems };
  }

  #entry(tag: RouteTag): Entry {
    const host = normalHost(tag.host, this.#table.defaultPort);
    const path = pathKey(tag.path, this.#table.matcher);
    const id = `${host}${path}`;
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      const { strategy = 'rr', whenNoneHealthy = 'missing' } = this.#options;
      const slot = this.#slots.take(routeSlot(id));
      entry = new Entry(
        { id, host, path, slot },
        { strategy, staysEmpty: whenNoneHealthy === 'unavailable' },
      );
      this.#entries.set(id, entry);
    }
    return entry;
  }

  #publish(touched: ReadonlySet<Entry>): void {
    const changed: RouteSpec[] = [];
    const patched: RoutePatch[] = [];
    const removed: string[] = [];
    for (const entry of touched) {
      const before = entry.published;
      const after = entry.spec();
      entry.published = after;
      const change = before === undefined || after === undefined ? after : difference(before, after);
      if (change === undefined) {
        if (before !== undefined && after === undefined) removed.push(entry.id);
      } else if (isPatch(change)) patched.push(change);
      else changed.push(change);
      if (!entry.isEmpty) continue;
      this.#entries.delete(entry.id);
      this.#slots.release(routeSlot(entry.id), this.#version + 1);
    }
    if (changed.length + patched.length + removed.length === 0) return;
    this.#version++;
    this.#options.publish({ version: this.#version, changed, patched, removed });
  }

  /** Logs what is newly wrong: once for all instances of a service that have it, which mostly all do. */
  #report(before: readonly RouteProblem[], after: readonly RouteProblem[]): void {
    for (const problem of after) {
      const key = problemKey(problem);
      const count = this.#reported.get(key) ?? 0;
      this.#reported.set(key, count + 1);
      if (count > 0) continue;
      const { service, instance, tag, reason } = problem;
      this.#options.log.warn('a route tag could not be used as it is', { service, instance, tag, reason });
    }
    for (const problem of before) {
      const key = problemKey(problem);
      const count = this.#reported.get(key) ?? 0;
      if (count > 1) this.#reported.set(key, count - 1);
      else this.#reported.delete(key);
    }
  }
}

const problemKey = ({ service, tag, reason }: RouteProblem): string => `${service} ${tag} ${reason}`;
const instanceSlot = (id: string): string => `instance ${id}`;
const routeSlot = (id: string): string => `route ${id}`;

/** Hosts in order, the paths of a host from long to short: as they are tried, and as fabio lists them. */
function compareViews(a: RouteView, b: RouteView): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  if (a.path !== b.path) return a.path > b.path ? -1 : 1;
  return 0;
}
