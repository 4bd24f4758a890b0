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
import { Entry, type EntryPlace, type EntrySettings, entryKey } from './entry.ts';
import { type Explained, explain } from './explain.ts';
import { kept } from './kept.ts';
import { mirrorTag } from './mirrors.ts';
import { NO_OVERRIDES, type Overrides } from './overrides.ts';
import { MATCHERS, pathKey } from './paths.ts';
import { Policies, type Policy } from './policies.ts';
import { SHARED_SLOT, Slots, type SlotsOptions } from './slots.ts';
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
  /** Options for routes of some services; `setPolicies` changes them later. */
  readonly policies?: readonly Policy[];
  /** Where the balancer stands; instances in other zones stand by. Default: nowhere. */
  readonly zone?: string;
  /** Milliseconds since the epoch; default: the system's clock. */
  readonly now?: () => number;
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
  /** Options for routes of some services from now on. */
  setPolicies(policies: readonly Policy[]): void;
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
  readonly entries: readonly Entry[];
  readonly problems: readonly RouteProblem[];
  /** Keys of the slots that it holds. */
  readonly slots: readonly string[];
  /** Services that it sends copies to, one for each of its tags that does. */
  readonly mirrors: readonly string[];
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
  readonly #settings: EntrySettings;
  /** How many instances have a problem, by `problemKey`. */
  readonly #reported = new Map<string, number>();
  readonly #discovery: Discovery;
  #authSchemes: ReadonlySet<string>;
  #policyTexts: readonly Policy[];
  #policies: Policies;
  /** How many instances send copies to a service, by its name. */
  readonly #mirrored = new Map<string, number>();
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
    const { strategy = 'rr', whenNoneHealthy = 'missing', zone = '', now = Date.now } = options;
    const staysEmpty = whenNoneHealthy === 'unavailable';
    this.#settings = { strategy, staysEmpty, zone, now, overrides: () => this.#overrides };
    this.#authSchemes = new Set(options.authSchemes);
    this.#policyTexts = options.policies ?? [];
    this.#policies = new Policies(this.#policyTexts);
    let early: InstanceChange[] | undefined = [];
    this.#discovery = options.discover((changes) => {
      if (early === undefined) this.#follow(changes);
      else early.push(...changes);
    });
    // What is there at the start is told before there is a discovery to look into.
    const first = early;
    early = undefined;
    if (first.length > 0) this.#follow(first);
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
    this.#routes ??= [...this.#entries.values()]
      .filter(({ place }) => place.kind !== 'mirror')
      .map((entry) => entry.view())
      .sort(compareViews);
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
    const before = new Set(this.#mirrored.keys());
    for (const { id, after } of changes)
      this.#replace(id, after === undefined ? undefined : () => this.#contribute(after), touched);
    for (const { id, after } of changes) this.#mirror(id, after, touched);
    this.#followMirrors(before, touched);
    this.#publish(touched);
  }

  /** The instance as a place for copies, if any are sent to its service. */
  #mirror(id: string, instance: DiscoveredInstance | undefined, touched: Set<Entry>): void {
    const isWanted = instance !== undefined && this.#mirrored.has(instance.service);
    const key = `mirror ${id}`;
    if (!isWanted && !this.#contributions.has(key)) return;
    this.#replace(key, isWanted ? () => this.#placeMirror(instance) : undefined, touched, id);
  }

  #placeMirror(instance: DiscoveredInstance): Contribution {
    const read = instance.tags.map((tag) => parseRouteTag(tag, this.#tagSyntax(instance)));
    const own = read.find((tag) => tag !== undefined && typeof tag !== 'string');
    return this.#place(instance, [mirrorTag(instance.service, own)], [], 0, []);
  }

  /** Services that copies are sent to since `before` was so, or no more. */
  #followMirrors(before: ReadonlySet<string>, touched: Set<Entry>): void {
    const isSame =
      before.size === this.#mirrored.size && [...before].every((name) => this.#mirrored.has(name));
    if (isSame) return;
    for (const instance of this.#discovery.instances())
      if (before.has(instance.service) !== this.#mirrored.has(instance.service))
        this.#mirror(instance.id, instance, touched);
  }

  setCommands(texts: readonly CommandText[]): void {
    if (isDeepStrictEqual(texts, this.#commandTexts)) return;
    this.#commandTexts = texts;
    this.#apply(texts, false);
  }

  /** `isAnew`: what the routes are by default has changed. */
  #apply(texts: readonly CommandText[], isAnew: boolean): void {
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
    const mirrored = new Set(this.#mirrored.keys());
    this.#setOverrides(commands, touched);
    const added = new Map<string, AddCommand>();
    for (const command of commands) {
      if (command.command !== 'add') continue;
      const defaults = this.#policies.of(command.service);
      const route = commandRoute(command, { ...this.#syntax(''), defaults });
      if (typeof route === 'string') {
        const reason = `${command.place} is left out: ${route}`;
        trouble.push({ service: command.service, instance: '', tag: command.text, reason });
        continue;
      }
      const { instance, tag } = route;
      const old = this.#added.get(instance.id);
      added.set(instance.id, command);
      // Where it stands counts only against deletions, which are judged anew below.
      if (!isAnew && old?.text === command.text && old.line === command.line) continue;
      const place = () => this.#place(instance, [tag], instance.tags, command.line, []);
      this.#replace(instance.id, place, touched);
    }
    for (const id of this.#added.keys()) if (!added.has(id)) this.#replace(id, undefined, touched);
    this.#added = added;
    this.#report(this.#commandProblems, trouble);
    this.#commandProblems = trouble;
    this.#followMirrors(mirrored, touched);
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

  setPolicies(policies: readonly Policy[]): void {
    if (isDeepStrictEqual(policies, this.#policyTexts)) return;
    this.#policyTexts = policies;
    this.#policies = new Policies(policies);
    this.#follow([...this.#discovery.instances()].map((after) => ({ id: after.id, before: after, after })));
    this.#apply(this.#commandTexts, true);
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

  /** Takes what a source of routes brought before out, and puts in what it brings now. `instance`: the id of its instance. */
  #replace(
    source: string,
    contribute: (() => Contribution | undefined) | undefined,
    touched: Set<Entry>,
    instance = source,
  ): void {
    const before = this.#contributions.get(source);
    for (const entry of before?.entries ?? []) {
      entry.delete(instance);
      touched.add(entry);
    }
    const contribution = contribute?.();
    if (contribution === undefined) {
      this.#contributions.delete(source);
    } else {
      this.#contributions.set(source, contribution);
      for (const entry of contribution.entries) touched.add(entry);
    }
    for (const service of before?.mirrors ?? []) this.#count(service, -1);
    for (const service of contribution?.mirrors ?? []) this.#count(service, 1);
    for (const slot of before?.slots ?? [])
      if (contribution?.slots.includes(slot) !== true) this.#slots.release(slot, this.#version + 1);
    this.#report(before?.problems ?? [], contribution?.problems ?? []);
  }

  #count(mirrored: string, by: number): void {
    const count = (this.#mirrored.get(mirrored) ?? 0) + by;
    if (count > 0) this.#mirrored.set(mirrored, count);
    else this.#mirrored.delete(mirrored);
  }

  #tagSyntax({ service, datacenter }: DiscoveredInstance) {
    const { tagPrefix: prefix = 'urlprefix-' } = this.#options;
    return { prefix, defaults: this.#policies.of(service), ...this.#syntax(datacenter) };
  }

  #syntax(datacenter: string) {
    const { globs, matcher } = this.#table;
    return { variables: { DC: datacenter }, globs, pathGlobs: MATCHERS[matcher].globs };
  }

  /** Puts an instance into the routes that its tags ask for; undefined when they ask for none. */
  #contribute(instance: DiscoveredInstance): Contribution | undefined {
    const syntax = this.#tagSyntax(instance);
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
    return this.#place(instance, read, kept(otherTags), 0, problems);
  }

  #place(
    instance: DiscoveredInstance,
    tags: readonly RouteTag[],
    otherTags: readonly string[],
    line: number,
    known: readonly RouteProblem[],
  ): Contribution {
    const problems = [...known];
    const entries: Entry[] = [];
    const slots: string[] = [];
    const report = (tag: string, reason: string) =>
      problems.push({ service: instance.service, instance: instance.id, tag, reason });
    for (const tag of tags) {
      const isUnreachable = instance.port === 0 && tag.handling.redirect === undefined;
      const obstacle = isUnreachable ? 'the instance is registered without a port' : tag.obstacle;
      const entry = this.#entry(tag);
      const key = instanceSlot(
        this.#options.slotsPer === 'destination' ? `${instance.id} ${entry.key}` : instance.id,
      );
      const slot = this.#slots.take(key);
      if (slot !== SHARED_SLOT && !slots.includes(key)) slots.push(key);
      if (!entries.includes(entry)) entries.push(entry);
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
    const mirrors = tags.flatMap(({ handling: { mirror } }) =>
      mirror === undefined ? [] : [mirror.service],
    );
    return {
      entries: kept(entries),
      problems: kept(problems),
      slots: kept(slots),
      mirrors: kept(mirrors),
      again: isGuarded ? again : undefined,
    };
  }

  #entry(tag: RouteTag): Entry {
    const kind: EntryPlace['kind'] =
      tag.isMirror === true ? 'mirror' : tag.protocol === 'tcp' ? 'tcp' : 'http';
    const path = pathKey(tag.path, this.#table.matcher);
    const key = entryKey({ kind, host: tag.host, path });
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const slot = this.#slots.take(routeSlot(key));
      entry = new Entry({ kind, host: tag.host, path, slot }, this.#settings);
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
      const { emergency } = entry;
      const after = entry.spec();
      entry.published = after;
      if ((emergency === undefined) !== (entry.emergency === undefined)) this.#tell(entry);
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

  #tell({ id, emergency }: Entry): void {
    const { log } = this.#options;
    if (emergency === undefined)
      log.info('enough instances of a route are healthy again; the others get no requests any more', {
        route: id,
      });
    else
      log.warn('so few instances of a route are healthy that those with failing checks get requests too', {
        route: id,
        healthy: emergency.well,
        of: emergency.of,
      });
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
