import { isDeepStrictEqual } from 'node:util';
import type { DiscoveredInstance, Discovery, InstanceChange } from '../discovery/instance.ts';
import { Tally } from '../lib/tally.ts';
import { DEFAULT_TABLE, type TableOptions } from './byte-table.ts';
import { commandRoute } from './command-routes.ts';
import { type AddCommand, type CommandText, parseCommands, type RouteCommand } from './commands.ts';
import { Entry, type EntryPlace, type EntrySettings, entryKey } from './entry.ts';
import { type Explained, explain } from './explain.ts';
import { kept } from './kept.ts';
import { mirrorTag } from './mirrors.ts';
import { NO_OVERRIDES, type Overrides, overridesOf } from './overrides.ts';
import { MATCHERS, pathKey } from './paths.ts';
import { Policies, type Policy } from './policies.ts';
import { ProblemLog } from './problem-log.ts';
import { RouteList } from './route-list.ts';
import type { Router, RouterOptions } from './router.ts';
import { Settlement } from './settlement.ts';
import { SHARED_SLOT, Slots } from './slots.ts';
import { difference, isPatch, type RouteDelta, type RoutePatch, type RouteSpec } from './spec.ts';
import { asksForRoute, parseRouteTag, type RouteTag } from './tag.ts';
import type { RouteProblem, RouteView } from './view.ts';

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

/** Begin reading at `#follow` and `#publish`: what comes in, and what goes out. */
export class Routing implements Router {
  readonly #options: RouterOptions;
  readonly #table: TableOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #contributions = new Map<string, Contribution>();
  readonly #list = new RouteList();
  readonly #slots: Slots;
  readonly #settings: EntrySettings;
  readonly #problemLog: ProblemLog;
  readonly #settlement = new Settlement();
  readonly #discovery: Discovery;
  #authSchemes: ReadonlySet<string>;
  #policyTexts: readonly Policy[];
  #policies: Policies;
  /** Services that instances send copies to. */
  readonly #mirrored = new Tally<string>();
  #commandTexts: readonly CommandText[] = [];
  #commandProblems: readonly RouteProblem[] = [];
  /** What `route add` brought, by instance id. */
  #added = new Map<string, AddCommand>();
  #overrides: Overrides = NO_OVERRIDES;
  #version = 0;
  #problems: readonly RouteProblem[] | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#table = options.table ?? DEFAULT_TABLE;
    this.#slots = new Slots(options.slots);
    this.#problemLog = new ProblemLog(options.log);
    const { strategy = 'rr', whenNoneHealthy = 'missing', zone = '', now = Date.now } = options;
    const staysEmpty = whenNoneHealthy === 'unavailable';
    this.#settings = { strategy, staysEmpty, zone, now, overrides: () => this.#overrides };
    this.#authSchemes = new Set(options.authSchemes);
    this.#policyTexts = options.policies ?? [];
    this.#policies = new Policies(this.#policyTexts);
    let early: InstanceChange[] | undefined = [];
    this.#discovery = options.discover(
      (changes) => {
        if (early === undefined) this.#follow(changes);
        // One by one: as arguments of one call 172,000 are too many for the stack.
        else for (const change of changes) early.push(change);
      },
      ({ name, tags }) => this.#mirrored.has(name) || tags.some((tag) => asksForRoute(tag, this.#tagPrefix)),
    );
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
    this.#settlement.settle(version);
  }

  applied(): Promise<void> {
    return this.#settlement.reached(this.#version);
  }

  routes(): readonly RouteView[] {
    return this.#list.views();
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
    // Instances that did not concern us until now.
    this.#discovery.reconsider?.();
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
    this.#problemLog.replace(this.#commandProblems, trouble);
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
    const before = this.#overrides;
    const after = overridesOf(commands, (path) => pathKey(path, this.#table.matcher));
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
    for (const service of before?.mirrors ?? []) this.#mirrored.remove(service);
    for (const service of contribution?.mirrors ?? []) this.#mirrored.add(service);
    for (const slot of before?.slots ?? [])
      if (contribution?.slots.includes(slot) !== true) this.#slots.release(slot, this.#version + 1);
    this.#problemLog.replace(before?.problems ?? [], contribution?.problems ?? []);
  }

  get #tagPrefix(): string {
    return this.#options.tagPrefix ?? 'urlprefix-';
  }

  #tagSyntax({ service, datacenter }: DiscoveredInstance) {
    return { prefix: this.#tagPrefix, defaults: this.#policies.of(service), ...this.#syntax(datacenter) };
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
    this.#problems = undefined;
    const changed: RouteSpec[] = [];
    const patched: RoutePatch[] = [];
    const removed: string[] = [];
    for (const entry of touched) {
      if (entry.place.kind !== 'mirror') this.#list.touch(entry);
      const before = entry.published;
      const { emergency } = entry;
      const after = entry.spec();
      entry.published = after;
      if ((emergency === undefined) !== (entry.emergency === undefined)) this.#problemLog.emergency(entry);
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
}

const unknownScheme = (name: string): string =>
  `auth=${name}: no scheme of this name is configured ([[balancer.auth]], or proxy.auth in fabio's settings), so the route is closed: everybody hears 401`;
const instanceSlot = (id: string): string => `instance ${id}`;
const routeSlot = (id: string): string => `route ${id}`;
