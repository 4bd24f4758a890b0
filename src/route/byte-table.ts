import { comparePatterns, type HostGlob, hasGlob, matchesGlob, parseHostGlob } from './host-glob.ts';
import { HostIndex } from './host-index.ts';
import { emptyTrie, isEmptyTrie, longestPrefix, type PathNode, withoutPath, withPath } from './path-trie.ts';
import type { Route, RouteTable } from './table.ts';

/** How the path of a route is compared with that of a request. `glob` comes with the other matchers. */
export const MATCHERS = { prefix: { fold: false }, iprefix: { fold: true } } as const satisfies Record<
  string,
  { fold: boolean }
>;
export type MatcherName = keyof typeof MATCHERS;

export interface TableOptions {
  readonly matcher: MatcherName;
  /** Whether `*`, `?` and the like mean something in a host. */
  readonly globs: boolean;
  /** The port that a request's host may name without meaning another host: 80, or 443 behind TLS. */
  readonly defaultPort: number;
}

export const DEFAULT_TABLE: TableOptions = { matcher: 'prefix', globs: true, defaultPort: 80 };

type Paths = PathNode<Route>;

interface GlobEntry {
  readonly glob: HostGlob;
  readonly paths: Paths;
}

/** Where a route stands in the table. */
export interface Place {
  readonly host: string;
  readonly path: string;
}

/** The route table over bytes. Immutable; `with` answers a new one that shares what did not change. */
export class ByteTable implements RouteTable {
  readonly #options: TableOptions;
  readonly #hosts: HostIndex<Paths>;
  /** Most specific first. Matched one after another: patterns are few. */
  readonly #globs: readonly GlobEntry[];
  /** Routes without a host. */
  readonly #any: Paths;
  /** Default port with its colon, as bytes. */
  readonly #port: Uint8Array;
  readonly #fold: boolean;

  constructor(
    options: TableOptions = DEFAULT_TABLE,
    hosts: HostIndex<Paths> = new HostIndex(),
    globs: readonly GlobEntry[] = [],
    any: Paths = emptyTrie,
  ) {
    this.#options = options;
    this.#hosts = hosts;
    this.#globs = globs;
    this.#any = any;
    this.#port = new TextEncoder().encode(`:${options.defaultPort}`);
    this.#fold = MATCHERS[options.matcher].fold;
  }

  match(
    bytes: Uint8Array,
    hostStart: number,
    hostEnd: number,
    pathStart: number,
    pathEnd: number,
  ): Route | undefined {
    const end = this.#withoutPort(bytes, hostStart, hostEnd);
    const own = this.#hosts.get(bytes, hostStart, end);
    let found: Route | undefined;
    if (own !== undefined) {
      found = longestPrefix(own, bytes, pathStart, pathEnd, this.#fold);
      if (found !== undefined) return found;
    }
    const globs = this.#globs;
    for (let i = 0; i < globs.length; i++) {
      const entry = globs[i] as GlobEntry;
      if (!matchesGlob(entry.glob, bytes, hostStart, end)) continue;
      found = longestPrefix(entry.paths, bytes, pathStart, pathEnd, this.#fold);
      if (found !== undefined) return found;
    }
    return longestPrefix(this.#any, bytes, pathStart, pathEnd, this.#fold);
  }

  /** With some places taken by other routes, or by none. */
  with(changes: readonly { readonly place: Place; readonly route: Route | undefined }[]): ByteTable {
    const hosts = new Map<string, Paths>();
    const globs = new Map(this.#globs.map((entry) => [entry.glob.pattern, entry]));
    let any = this.#any;
    let isGlobTouched = false;
    for (const { place, route } of changes) {
      const path = new TextEncoder().encode(pathKey(place.path, this.#options.matcher));
      const host = normalHost(place.host, this.#options.defaultPort);
      if (host === '') any = put(any, path, route);
      else if (this.#options.globs && hasGlob(host)) {
        isGlobTouched = true;
        const known = globs.get(host);
        const glob = known?.glob ?? parseHostGlob(host);
        // Refused with a reason when its tag was read; a pattern that is none matches nothing.
        if (typeof glob === 'string') continue;
        const paths = put(known?.paths ?? emptyTrie, path, route);
        if (isEmptyTrie(paths)) globs.delete(host);
        else globs.set(host, { glob, paths });
      } else {
        const bytes = new TextEncoder().encode(host);
        const known = hosts.get(host) ?? this.#hosts.get(bytes, 0, bytes.length) ?? emptyTrie;
        hosts.set(host, put(known, path, route));
      }
    }
    const touched = new Map<string, Paths | undefined>();
    for (const [host, paths] of hosts) touched.set(host, isEmptyTrie(paths) ? undefined : paths);
    const sorted = isGlobTouched
      ? [...globs.values()].sort((a, b) => comparePatterns(a.glob.pattern, b.glob.pattern))
      : this.#globs;
    return new ByteTable(this.#options, this.#hosts.with(touched), sorted, any);
  }

  /** Hot path. The end of the host without the port, if that is the default one. */
  #withoutPort(bytes: Uint8Array, start: number, end: number): number {
    const port = this.#port;
    const at = end - port.length;
    if (at < start) return end;
    for (let i = 0; i < port.length; i++) if (bytes[at + i] !== port[i]) return end;
    return at;
  }
}

/** The path that routes are told apart by. */
export function pathKey(path: string, matcher: MatcherName): string {
  return MATCHERS[matcher].fold ? path.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : path;
}

/** A host as it is compared: lower-case, without the default port. */
export function normalHost(host: string, defaultPort: number): string {
  const lower = host.toLowerCase();
  const port = `:${defaultPort}`;
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}

function put(paths: Paths, path: Uint8Array, route: Route | undefined): Paths {
  return route === undefined ? withoutPath(paths, path) : withPath(paths, path, route);
}
