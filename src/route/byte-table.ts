import { comparePatterns, type Glob, hasGlob, matchesGlob, parseHostGlob } from './glob.ts';
import { HostIndex } from './host-index.ts';
import { find, hasNoPaths, isForAllPaths, type MatcherName, NO_PATHS, type Paths, put } from './paths.ts';
import type { Route, RouteTable } from './table.ts';

export interface TableOptions {
  readonly matcher: MatcherName;
  /** Whether `*`, `?` and the like mean something in a host. */
  readonly globs: boolean;
}

export const DEFAULT_TABLE: TableOptions = { matcher: 'prefix', globs: true };

interface GlobEntry {
  readonly glob: Glob;
  readonly paths: Paths;
}

/** Hosts that are compared in the same way. */
interface Section {
  readonly hosts: HostIndex<Paths>;
  /** Most specific first. Matched one after another: patterns are few. */
  readonly globs: readonly GlobEntry[];
}

const EMPTY: Section = { hosts: new HostIndex(), globs: [] };

/** Where a route stands in the table. */
export interface Place {
  readonly host: string;
  readonly path: string;
}

export interface TableChange {
  readonly place: Place;
  readonly route: Route | undefined;
}

interface Sections {
  /** By the host as it is written. */
  readonly whole: Section;
  /** Hosts with the port 80, by what stands before it: clients in clear text need not say it. */
  readonly plain: Section;
  /** Hosts with the port 443, for clients behind TLS. */
  readonly secure: Section;
  /** Routes without a host. */
  readonly any: Paths;
  /** TCP routes by listening address (":1234", "127.0.0.1:1234") or server name. */
  readonly tcp: ReadonlyMap<string, Route>;
  /** Where copies go, by service. */
  readonly mirrors: ReadonlyMap<string, Route>;
}

const NOTHING: Sections = {
  whole: EMPTY,
  plain: EMPTY,
  secure: EMPTY,
  any: NO_PATHS,
  tcp: new Map(),
  mirrors: new Map(),
};

const PORT_80 = new TextEncoder().encode(':80');
const PORT_443 = new TextEncoder().encode(':443');
const ROOT = new TextEncoder().encode('/');

/** The route table over bytes. Immutable; `with` answers a new one that shares what did not change. */
export class ByteTable implements RouteTable {
  readonly #options: TableOptions;
  readonly #sections: Sections;
  readonly #hasPlain: boolean;
  readonly #hasSecure: boolean;

  constructor(options: TableOptions = DEFAULT_TABLE, sections: Sections = NOTHING) {
    this.#options = options;
    this.#sections = sections;
    this.#hasPlain = sections.plain !== EMPTY;
    this.#hasSecure = sections.secure !== EMPTY;
  }

  match(
    bytes: Uint8Array,
    hostStart: number,
    hostEnd: number,
    pathStart: number,
    pathEnd: number,
    secure = false,
  ): Route | undefined {
    const { whole, plain, any } = this.#sections;
    const { matcher } = this.#options;
    const end = withoutPort(bytes, hostStart, hostEnd, secure ? PORT_443 : PORT_80);
    const own = secure ? this.#hasSecure : this.#hasPlain;
    const named = secure ? this.#sections.secure : plain;
    let found: Route | undefined;
    if (own) {
      found = inHosts(named, matcher, bytes, hostStart, end, pathStart, pathEnd);
      if (found !== undefined) return found;
    }
    found = inHosts(whole, matcher, bytes, hostStart, end, pathStart, pathEnd);
    if (found !== undefined) return found;
    if (own) {
      found = inGlobs(named, matcher, bytes, hostStart, end, pathStart, pathEnd);
      if (found !== undefined) return found;
    }
    found = inGlobs(whole, matcher, bytes, hostStart, end, pathStart, pathEnd);
    return found ?? find(any, bytes, pathStart, pathEnd, matcher);
  }

  /** The best route that is none of `passed`: one for each way to see the host. Rarely needed, so it may be slow. */
  next(
    bytes: Uint8Array,
    hostStart: number,
    hostEnd: number,
    pathStart: number,
    pathEnd: number,
    secure: boolean,
    passed: readonly Route[],
  ): Route | undefined {
    for (const paths of this.#ofHost(bytes, hostStart, hostEnd, secure)) {
      const route = find(paths, bytes, pathStart, pathEnd, this.#options.matcher);
      if (route !== undefined && !passed.includes(route)) return route;
    }
    return undefined;
  }

  /** Asked for unusual paths only, so it may be slow. */
  ignoresPath(bytes: Uint8Array, hostStart: number, hostEnd: number, secure: boolean): boolean {
    return this.#ofHost(bytes, hostStart, hostEnd, secure).every(isForAllPaths);
  }

  /** The paths that a host may take, best first: one for each way to see it. */
  #ofHost(bytes: Uint8Array, hostStart: number, hostEnd: number, secure: boolean): Paths[] {
    const { whole, plain, any } = this.#sections;
    const end = withoutPort(bytes, hostStart, hostEnd, secure ? PORT_443 : PORT_80);
    const sections = [secure ? this.#sections.secure : plain, whole];
    return [
      ...sections.map(({ hosts }) => hosts.get(bytes, hostStart, end) ?? NO_PATHS),
      ...sections.flatMap(({ globs }) =>
        globs.filter(({ glob }) => matchesGlob(glob, bytes, hostStart, end)).map(({ paths }) => paths),
      ),
      any,
    ];
  }

  tcp(name: string): Route | undefined {
    return this.#sections.tcp.get(name);
  }

  ofHost(name: string): Route | undefined {
    const paths = this.#sections.whole.hosts.find(name);
    return paths && find(paths, ROOT, 0, ROOT.length, this.#options.matcher);
  }

  mirror(service: string): Route | undefined {
    return this.#sections.mirrors.get(service);
  }

  /** With some places taken by other routes, or by none. */
  with(changes: readonly TableChange[]): ByteTable {
    const whole: TableChange[] = [];
    const plain: TableChange[] = [];
    const secure: TableChange[] = [];
    let { any } = this.#sections;
    const { matcher } = this.#options;
    for (const { place, route } of changes) {
      const host = place.host.toLowerCase();
      if (host === '') {
        any = put(any, place.path, route, matcher);
        continue;
      }
      whole.push({ place: { host, path: place.path }, route });
      for (const [port, list] of [
        [':80', plain],
        [':443', secure],
      ] as const)
        if (host.endsWith(port))
          list.push({ place: { host: host.slice(0, -port.length), path: place.path }, route });
    }
    const sections = this.#sections;
    return new ByteTable(this.#options, {
      whole: this.#change(sections.whole, whole),
      plain: this.#change(sections.plain, plain),
      secure: this.#change(sections.secure, secure),
      any,
      tcp: sections.tcp,
      mirrors: sections.mirrors,
    });
  }

  /** With some routes that are found by a name alone set or taken out. */
  withNamed(kind: 'tcp' | 'mirrors', changes: ReadonlyMap<string, Route | undefined>): ByteTable {
    if (changes.size === 0) return this;
    const named = new Map(this.#sections[kind]);
    for (const [name, route] of changes) {
      if (route === undefined) named.delete(name);
      else named.set(name, route);
    }
    return new ByteTable(this.#options, { ...this.#sections, [kind]: named });
  }

  #change(section: Section, changes: readonly TableChange[]): Section {
    if (changes.length === 0) return section;
    const { matcher } = this.#options;
    const hosts = new Map<string, Paths>();
    const globs = new Map(section.globs.map((entry) => [entry.glob.pattern, entry]));
    let isGlobTouched = false;
    for (const { place, route } of changes) {
      const { host, path } = place;
      if (this.#options.globs && hasGlob(host)) {
        isGlobTouched = true;
        const known = globs.get(host);
        const glob = known?.glob ?? parseHostGlob(host);
        // Refused with a reason when its tag was read; a pattern that is none matches nothing.
        if (typeof glob === 'string') continue;
        const paths = put(known?.paths ?? NO_PATHS, path, route, matcher);
        if (hasNoPaths(paths)) globs.delete(host);
        else globs.set(host, { glob, paths });
      } else {
        const known = hosts.get(host) ?? section.hosts.find(host) ?? NO_PATHS;
        hosts.set(host, put(known, path, route, matcher));
      }
    }
    const touched = new Map<string, Paths | undefined>();
    for (const [host, paths] of hosts) touched.set(host, hasNoPaths(paths) ? undefined : paths);
    const sorted = isGlobTouched
      ? [...globs.values()].sort((a, b) => comparePatterns(a.glob.pattern, b.glob.pattern))
      : section.globs;
    return { hosts: section.hosts.with(touched), globs: sorted };
  }
}

/** Hot path. */
function inHosts(
  { hosts }: Section,
  matcher: MatcherName,
  bytes: Uint8Array,
  hostStart: number,
  hostEnd: number,
  pathStart: number,
  pathEnd: number,
): Route | undefined {
  const paths = hosts.get(bytes, hostStart, hostEnd);
  return paths === undefined ? undefined : find(paths, bytes, pathStart, pathEnd, matcher);
}

/** Hot path. */
function inGlobs(
  { globs }: Section,
  matcher: MatcherName,
  bytes: Uint8Array,
  hostStart: number,
  hostEnd: number,
  pathStart: number,
  pathEnd: number,
): Route | undefined {
  for (let i = 0; i < globs.length; i++) {
    const entry = globs[i] as GlobEntry;
    if (!matchesGlob(entry.glob, bytes, hostStart, hostEnd)) continue;
    const found = find(entry.paths, bytes, pathStart, pathEnd, matcher);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Hot path. The end of the host without the port, if that is the default one. */
function withoutPort(bytes: Uint8Array, start: number, end: number, port: Uint8Array): number {
  const at = end - port.length;
  if (at < start) return end;
  for (let i = 0; i < port.length; i++) if (bytes[at + i] !== port[i]) return end;
  return at;
}

/** A request's host as it is compared: lower-case, without the default port. */
export function normalHost(host: string, secure: boolean): string {
  const lower = host.toLowerCase();
  const port = secure ? ':443' : ':80';
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}
