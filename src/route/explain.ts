import { MATCHERS, normalHost, type TableOptions } from './byte-table.ts';
import { comparePatterns, hasGlob, matchesGlob, parseHostGlob } from './host-glob.ts';
import type { RouteView } from './view.ts';

export interface Explained {
  /** As compared: lower-case, without the default port. */
  readonly host: string;
  /** As compared: decoded. */
  readonly path: string;
  /** Its targets say who gets which share, and who is out and why. */
  readonly route: RouteView | undefined;
  /** Routes that would take the request too, best first, and why they do not. At most `MAX_PASSED_OVER`. */
  readonly passedOver: readonly { readonly route: RouteView; readonly reason: string }[];
}

const MAX_PASSED_OVER = 20;

/**
 * Where a request goes and why, said from the routes one by one. Slow and plain: for people. The table answers the same from its
 * indexes, and a test holds the two against each other.
 */
export function explain(
  routes: readonly RouteView[],
  request: { readonly host: string; readonly path: string },
  options: TableOptions,
): Explained {
  const host = normalHost(request.host, options.defaultPort);
  const path = decoded(request.path);
  const fitting = routes
    .filter((route) => fitsHost(route.host, host, options) && fitsPath(route.path, path, options))
    .sort((a, b) => compareHosts(a.host, b.host, options) || b.path.length - a.path.length);
  const route = fitting.find(({ isInForce }) => isInForce);
  const passedOver = fitting
    .filter((other) => other !== route)
    .slice(0, MAX_PASSED_OVER)
    .map((other) => ({ route: other, reason: whyNot(other, route, options) }));
  return { host, path, route, passedOver };
}

function whyNot(other: RouteView, taken: RouteView | undefined, options: TableOptions): string {
  if (!other.isInForce) return `none of its instances can take a request: ${whyEmpty(other)}`;
  if (taken === undefined) return '';
  if (compareHosts(taken.host, other.host, options) === 0) return `${taken.path} is the longer path`;
  return other.host === ''
    ? `a route of the host (${taken.host}) comes first`
    : `${taken.host} is the more specific host`;
}

function whyEmpty({ targets }: RouteView): string {
  const first = targets.find(({ out, obstacle }) => out !== '' || obstacle !== '');
  if (first === undefined) return 'it has none';
  const more = targets.length > 1 ? ` (and ${targets.length - 1} more)` : '';
  return `${first.instance}: ${first.out || first.obstacle}${more}`;
}

function fitsHost(pattern: string, host: string, options: TableOptions): boolean {
  if (pattern === '' || pattern === host) return true;
  if (!options.globs || !hasGlob(pattern)) return false;
  const glob = parseHostGlob(pattern);
  const bytes = new TextEncoder().encode(host);
  return typeof glob !== 'string' && matchesGlob(glob, bytes, 0, bytes.length);
}

function fitsPath(prefix: string, path: string, options: TableOptions): boolean {
  // A TCP listener has no path.
  if (prefix === '') return false;
  return MATCHERS[options.matcher].fold
    ? path.toLowerCase().startsWith(prefix.toLowerCase())
    : path.startsWith(prefix);
}

/** Exact hosts, then patterns from the most specific on, then routes without a host. */
function compareHosts(a: string, b: string, options: TableOptions): number {
  if (a === b) return 0;
  const rank = (host: string) => (host === '' ? 2 : options.globs && hasGlob(host) ? 1 : 0);
  return rank(a) - rank(b) || comparePatterns(a, b);
}

/** Escapes that are none stand for themselves. */
function decoded(path: string): string {
  return path.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
