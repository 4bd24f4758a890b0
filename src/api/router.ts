import type { Endpoint, Method } from './endpoint.ts';

/** All endpoints of one path. */
interface Route {
  readonly path: string;
  readonly byMethod: ReadonlyMap<string, Endpoint>;
  /** In the order of the table, for `Allow`. */
  readonly methods: readonly Method[];
  /** Literal segments and, as ":name", parameters. */
  readonly segments: readonly string[];
  /** Length of the literal text before the first parameter: the longest wins. */
  readonly literal: number;
}

export interface Match {
  readonly route: Pick<Route, 'byMethod' | 'methods'>;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * Finds endpoints as Go's ServeMux does for Consul: a literal path before one with parameters, then the longest
 * literal beginning. A trailing slash makes another path.
 */
export class Router {
  readonly #literal = new Map<string, Route>();
  /** With parameters, the one to be tried first in front. */
  readonly #patterns: Route[] = [];
  /** Those of the patterns that a path may have, by its first two segments; for any other path those under undefined. */
  readonly #families = new Map<string | undefined, readonly Route[]>();

  constructor(endpoints: readonly Endpoint[]) {
    const byPath = new Map<string, Endpoint[]>();
    for (const endpoint of endpoints) {
      const known = byPath.get(endpoint.path);
      if (known === undefined) byPath.set(endpoint.path, [endpoint]);
      else if (known.some(({ method }) => method === endpoint.method))
        throw new RangeError(`${endpoint.method} ${endpoint.path} stands in the table twice`);
      else known.push(endpoint);
    }
    for (const [path, rows] of byPath) {
      const at = path.indexOf(':');
      const route: Route = {
        path,
        byMethod: new Map(rows.map((row) => [row.method, row])),
        methods: rows.map(({ method }) => method),
        segments: path.split('/'),
        literal: at < 0 ? path.length : at,
      };
      if (at < 0) this.#literal.set(path, route);
      else this.#patterns.push(route);
    }
    // Of patterns that begin alike the one with more segments is the more particular one.
    this.#patterns.sort((a, b) => b.literal - a.literal || b.segments.length - a.segments.length);
    for (const family of new Set(this.#patterns.map(({ path }) => familyOf(path))))
      this.#families.set(
        family,
        this.#patterns.filter(({ path }) => [family, undefined].includes(familyOf(path))),
      );
  }

  find(path: string): Match | undefined {
    const literal = this.#literal.get(path);
    if (literal !== undefined) return { route: literal, params: {} };
    for (const route of this.#families.get(familyOf(path)) ?? this.#families.get(undefined) ?? []) {
      const params = match(route.segments, path);
      if (params !== undefined) return { route, params };
    }
    return undefined;
  }

  /** True when `path` only lacks the slash and the argument behind it. */
  lacksSlash(path: string): boolean {
    const begin = `${path}/:`;
    return this.#patterns.some((route) => route.path.startsWith(begin));
  }
}

/** The first two segments of a path; undefined for a pattern that has not got as many without parameters. */
function familyOf(path: string): string | undefined {
  const second = path.indexOf('/', 1);
  const third = second < 0 ? -1 : path.indexOf('/', second + 1);
  const family = third < 0 ? path : path.slice(0, third);
  return family.includes('/:') ? undefined : family;
}

function match(segments: readonly string[], path: string): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  let at = 0;
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as string;
    const last = i === segments.length - 1;
    const slash = path.indexOf('/', at);
    const end = slash < 0 || (last && segment.startsWith(':')) ? path.length : slash;
    const part = path.slice(at, end);
    if (segment.startsWith(':')) {
      if (!last && part === '') return undefined;
      params[segment.slice(1)] = part;
    } else if (part !== segment) return undefined;
    if (last) return end === path.length ? params : undefined;
    if (slash < 0) return undefined;
    at = slash + 1;
  }
  return undefined;
}

/** `path` without empty, "." and ".." segments; a trailing slash stays (Go's `cleanPath`). */
export function cleanPath(path: string): string {
  if (!path.includes('//') && !path.includes('/.')) return path;
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const clean = `/${kept.join('/')}`;
  return clean !== '/' && segments[segments.length - 1] === '' ? `${clean}/` : clean;
}
