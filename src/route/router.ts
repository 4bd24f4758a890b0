import { isDeepStrictEqual } from 'node:util';
import type { StrategyName } from '../balance/strategies.ts';
import type {
  DiscoveredInstance,
  Discovery,
  InstanceChange,
  InstanceListener,
} from '../discovery/instance.ts';
import type { Logger } from '../lib/log.ts';
import { DEFAULT_TABLE, type TableOptions } from './byte-table.ts';
import { commandRoute } from './command-routes.ts';
import { type AddCommand, type CommandText, parseCommands, type RouteCommand } from './commands.ts';
import { Entry, type EntryPlace, entryKey } from './entry.ts';
import { type Explained, explain } from './explain.ts';
import { NO_OVERRIDES, type Overrides } from './overrides.ts';
import { MATCHERS, pathKey } from './paths.ts';
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
  /** Names that `auth=` may give; `setAuthSchemes` changes them later. Default: none. */
  readonly authSchemes?: readonly string[];
  /** Whether an instance has one slot for all its routes (default), or one for each, as metrics by route and instance need. */
  readonly slotsPer?: 'instance' | 'destination';
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
  /** Resolves when all workers have applied what is published so far, or soon: for those who act upon what they read. */
  applied(): Promise<void>;
  /** All routes, by host and from long to short paths. The same array again while nothing changed. */
  routes(): readonly RouteView[];
  /** Everything that could not be used. The same array again while nothing changed. */
  problems(): readonly RouteProblem[];
  /** Where a request goes and why; `path` without its query. `secure`: behind TLS. */
  explain(host: string, path: string, secure?: boolean): Explained;
  /** Route commands in force from now on, instead of those before. Lines that cannot be read are among the problems. */
  setCommands(texts: readonly CommandText[]): void;
  /** Names that `auth=` may give from now on. A route that asks for another lets nobody in, which is among the problems. */
  setAuthSchemes(names: readonly string[]): void;
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
  /** Keys of the slots that it holds. */
  readonly slots: ReadonlySet<string>;
  /** Makes it anew, when it depends on the schemes of `auth=`. */
  readonly again: (() => Contribution) | undefined;
}

/** Workers that take longer (ms) to apply a table are in trouble, which others tell. */
const APPLIED_WAIT = 1_000;

class Routing implements Router {
  readonly #options: RouterOptions;
  readonly #table: TableOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #contributions = new Map<string, Contribution>();
  readonly #slots: Slots;
  /** How many instances have a problem, by `problemKey`. */
  readonly #reported = new Map<string, number>();
  readonly #discovery: Discovery;
  #authSchemes: ReadonlySet<string>;
  #commandTexts: readonly CommandText[] = [];
  #commandProblems: readonly RouteProblem[] = [];
  /** What `route add` brought, by instance id. */
  #added = new Map<string, AddCommand>();
  #overrides: Overrides = NO_OVERRIDES;
  #version = 0;
  #settled = 0;
  readonly #waiting = new Set<() => void>();
  #routes: readonly RouteView[] | undefined;
  #problems: readonly RouteProblem[] | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#table = options.table ?? DEFAULT_TABLE;
    this.#slots = new Slots(options.slots);
    this.#authSchemes = new Set(options.authSchemes);
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
    this.#settled = Math.max(this.#settled, version);
    for (const waiting of [...this.#waiting]) waiting();
  }

  applied(): Promise<void> {
    const wanted = this.#version;
    if (this.#settled >= wanted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = () => {
        if (this.#settled >= wanted) end();
      };
      const timer = setTimeout(end, APPLIED_WAIT);
      this.#waiting.add(look);
    });
  }

  routes(): readonly RouteView[] {
    this.#routes ??= [...this.#entries.values()].map((entry) => entry.view()).sort(compareViews);
    return this.#routes;
  }

  problems(): readonly RouteProblem[] {
    this.#problems ??= [
      ...this.#commandProblems,
      ...[...this.#contributions.values()].flatMap(({ problems }) => problems),
    ];
    return this.#problems;
  }

  explain(host: string, path: string, secure = false): Explained {
    return explain(this.routes(), { host, path, secure }, this.#table);
  }

  resync(): void {
    this.#discovery.resync();
  }

  stop(): void {
    this.#discovery.stop();
  }

  #follow(changes: readonly InstanceChange[]): void {
    const touched = new Set<Entry>();
    for (const { id, after } of changes)
      this.#replace(id, after === undefined ? undefined : () => this.#contribute(after), touched);
    this.#publish(touched);
  }

  setCommands(texts: readonly CommandText[]): void {
    if (isDeepStrictEqual(texts, this.#commandTexts)) return;
    this.#commandTexts = texts;
    const { commands, problems } = parseCommands(texts);
    const trouble = problems.map(
      ({ text: tag, reason }): RouteProblem => ({
        service: '',
        instance: '',
        tag,
        reason,
      }),
    );
    const touched = new Set<Entry>();
    this.#setOverrides(commands, touched);
    const added = new Map<string, AddCommand>();
    for (const command of commands) {
      if (command.command !== 'add') continue;
      const route = commandRoute(command, this.#syntax(''));
      if (typeof route === 'string') {
        const reason = `${command.place} is left out: ${route}`;
        trouble.push({ service: command.service, instance: '', tag: command.text, reason });
        continue;
      }
      const { instance, tag } = route;
      const old = this.#added.get(instance.id);
      added.set(instance.id, command);
      // Where it stands counts only against deletions, which are judged anew below.
      if (old?.text === command.text && old.line === command.line) continue;
      const place = () => this.#place(instance, [tag], instance.tags, command.line, []);
      this.#replace(instance.id, place, touched);
    }
    for (const id of this.#added.keys()) if (!added.has(id)) this.#replace(id, undefined, touched);
    this.#added = added;
    this.#report(this.#commandProblems, trouble);
    this.#commandProblems = trouble;
    this.#publish(touched);
  }

  setAuthSchemes(names: readonly string[]): void {
    const schemes = new Set(names);
    if (isDeepStrictEqual(schemes, this.#authSchemes)) return;
    this.#authSchemes = schemes;
    const touched = new Set<Entry>();
    for (const [id, { again }] of [...this.#contributions])
      if (again !== undefined) this.#replace(id, again, touched);
    this.#publish(touched);
  }

  #setOverrides(commands: readonly RouteCommand[], touched: Set<Entry>): void {
    const withRoute = <Command extends { source: string }>(command: Command) => ({
      ...command,
      route: command.source === '' ? '' : this.#placeOf(command.source),
    });
    const deletions = commands.flatMap((one) => (one.command === 'del' ? [withRoute(one)] : []));
    const weights = commands.flatMap((one) => (one.command === 'weight' ? [withRoute(one)] : []));
    const before = this.#overrides;
    const after = deletions.length + weights.length === 0 ? NO_OVERRIDES : { deletions, weights };
    if (isDeepStrictEqual(before, after)) return;
    this.#overrides = after;
    const routes = new Set(
      [before, after].flatMap((one) => [...one.deletions, ...one.weights]).map(({ route }) => route),
    );
    for (const entry of this.#entries.values()) {
      if (!routes.has('') && !routes.has(entry.id)) continue;
      entry.rejudge();
      touched.add(entry);
    }
  }

  /** What a command's source means as a route's id. */
  #placeOf(source: string): string {
    const slash = source.indexOf('/');
    const host = slash < 0 ? source : source.slice(0, slash);
    const path = slash >= 0 ? source.slice(slash) : source.startsWith(':') ? '' : '/';
    return `${host.toLowerCase()}${pathKey(path, this.#table.matcher)}`;
  }

  /** Takes what a source of routes brought before out, and puts in what it brings now. */
  #replace(id: string, contribute: (() => Contribution | undefined) | undefined, touched: Set<Entry>): void {
    const before = this.#contributions.get(id);
    for (const entry of before?.entries ?? []) {
      entry.delete(id);
      touched.add(entry);
    }
    const contribution = contribute?.();
    if (contribution === undefined) {
      this.#contributions.delete(id);
    } else {
      this.#contributions.set(id, contribution);
      for (const entry of contribution.entries) touched.add(entry);
    }
    for (const slot of before?.slots ?? [])
      if (contribution?.slots.has(slot) !== true) this.#slots.release(slot, this.#version + 1);
    this.#report(before?.problems ?? [], contribution?.problems ?? []);
  }

  #syntax(datacenter: string) {
    const { globs, matcher } = this.#table;
    return { variables: { DC: datacenter }, globs, pathGlobs: MATCHERS[matcher].globs };
  }

  /** Puts an instance into the routes that its tags ask for; undefined when they ask for none. */
  #contribute(instance: DiscoveredInstance): Contribution | undefined {
    const prefix = this.#options.tagPrefix ?? 'urlprefix-';
    const syntax = { prefix, ...this.#syntax(instance.datacenter) };
    const problems: RouteProblem[] = [];
    const read: RouteTag[] = [];
    const otherTags: string[] = [];
    for (const tag of instance.tags) {
      const route = parseRouteTag(tag, syntax);
      if (route === undefined) otherTags.push(tag.trim());
      else if (typeof route === 'string')
        problems.push({ service: instance.service, instance: instance.id, tag, reason: route });
      else read.push(route);
    }
    if (read.length === 0 && problems.length === 0) return undefined;
    return this.#place(instance, read, otherTags, 0, problems);
  }

  #place(
    instance: DiscoveredInstance,
    tags: readonly RouteTag[],
    otherTags: readonly string[],
    line: number,
    known: readonly RouteProblem[],
  ): Contribution {
    const problems = [...known];
    const entries = new Set<Entry>();
    const slots = new Set<string>();
    const report = (tag: string, reason: string) =>
      problems.push({ service: instance.service, instance: instance.id, tag, reason });
    for (const tag of tags) {
      const isUnreachable = instance.port === 0 && tag.handling.redirect === undefined;
      const obstacle = isUnreachable ? 'the instance is registered without a port' : tag.obstacle;
      const entry = this.#entry(tag);
      const key = instanceSlot(
        this.#options.slotsPer === 'destination' ? `${instance.id} ${entry.key}` : instance.id,
      );
      slots.add(key);
      const slot = this.#slots.take(key);
      entries.add(entry);
      if (!entry.set({ instance, tag, slot, obstacle, otherTags, line }))
        report(tag.tag, `another tag of the instance already leads to ${entry.id}; this one is used`);
      for (const note of tag.notes) report(tag.tag, note);
      if (obstacle !== '') report(tag.tag, obstacle);
      const { auth } = tag.handling;
      if (auth !== undefined && tag.protocol !== 'tcp' && !this.#authSchemes.has(auth))
        report(tag.tag, unknownScheme(auth));
    }
    const isGuarded = tags.some(({ handling }) => handling.auth !== undefined);
    const again = () => this.#place(instance, tags, otherTags, line, known);
    return { entries, problems, slots, again: isGuarded ? again : undefined };
  }

  #entry(tag: RouteTag): Entry {
    const kind: EntryPlace['kind'] = tag.protocol === 'tcp' ? 'tcp' : 'http';
    const path = pathKey(tag.path, this.#table.matcher);
    const key = entryKey({ kind, host: tag.host, path });
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const { strategy = 'rr', whenNoneHealthy = 'missing' } = this.#options;
      const slot = this.#slots.take(routeSlot(key));
      entry = new Entry(
        { kind, host: tag.host, path, slot },
        { strategy, staysEmpty: whenNoneHealthy === 'unavailable', overrides: () => this.#overrides },
      );
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #publish(touched: ReadonlySet<Entry>): void {
    this.#routes = undefined;
    this.#problems = undefined;
    const changed: RouteSpec[] = [];
    const patched: RoutePatch[] = [];
    const removed: string[] = [];
    for (const entry of touched) {
      const before = entry.published;
      const after = entry.spec();
      entry.published = after;
      const change = before === undefined || after === undefined ? after : difference(before, after);
      if (change === undefined) {
        if (before !== undefined && after === undefined) removed.push(entry.key);
      } else if (isPatch(change)) patched.push(change);
      else changed.push(change);
      if (!entry.isEmpty) continue;
      this.#entries.delete(entry.key);
      this.#slots.release(routeSlot(entry.key), this.#version + 1);
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

const unknownScheme = (name: string): string =>
  `auth=${name}: no scheme of this name is configured ([[balancer.auth]], or proxy.auth in fabio's settings), so the route is closed: everybody hears 401`;
const problemKey = ({ service, tag, reason }: RouteProblem): string => `${service} ${tag} ${reason}`;
const instanceSlot = (id: string): string => `instance ${id}`;
const routeSlot = (id: string): string => `route ${id}`;

/** Hosts in order, the paths of a host from long to short: as they are tried, and as fabio lists them. */
function compareViews(a: RouteView, b: RouteView): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  if (a.path !== b.path) return a.path > b.path ? -1 : 1;
  return 0;
}
