import { normalHost, type TableOptions } from './byte-table.ts';
import { comparePatterns, hasGlob, matchesGlob, parseGlob, parseHostGlob } from './glob.ts';
import { MATCHERS } from './paths.ts';
import { resolvePath } from './resolve-path.ts';
import type { RouteView } from './view.ts';

export interface Explained {
  /** As compared: lower-case, without the default port. */
  readonly host: string;
  /** As compared: without dot segments and empty ones, decoded. */
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
  request: { readonly host: string; readonly path: string; readonly secure?: boolean },
  options: TableOptions,
): Explained {
  const { secure = false } = request;
  const host = normalHost(request.host, secure);
  const path = decoded(resolved(request.path));
  const fitting = routes
    .filter(
      ({ kind, ...route }) =>
        kind === 'http' && fitsHost(route.host, host, secure, options) && fitsPath(route.path, path, options),
    )
    .sort((a, b) => compareHosts(a.host, b.host, secure, options) || comparePaths(a.path, b.path, options));
  const route = fitting.find(({ isInForce }) => isInForce);
  const passedOver = fitting
    .filter((other) => other !== route)
    .slice(0, MAX_PASSED_OVER)
    .map((other) => ({ route: other, reason: whyNot(other, route, secure, options) }));
  return { host, path, route, passedOver };
}

function whyNot(
  other: RouteView,
  taken: RouteView | undefined,
  secure: boolean,
  options: TableOptions,
): string {
  if (!other.isInForce) return `none of its instances can take a request: ${whyEmpty(other)}`;
  if (taken === undefined) return '';
  if (compareHosts(taken.host, other.host, secure, options) === 0)
    return `${taken.path} is the ${MATCHERS[options.matcher].globs ? 'more specific' : 'longer'} path`;
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

function fitsHost(written: string, host: string, secure: boolean, options: TableOptions): boolean {
  const pattern = normalHost(written, secure);
  if (written === '' || pattern === host) return true;
  if (!options.globs || !hasGlob(pattern)) return false;
  const glob = parseHostGlob(pattern);
  const bytes = new TextEncoder().encode(host);
  return typeof glob !== 'string' && matchesGlob(glob, bytes, 0, bytes.length);
}

function fitsPath(path: string, wanted: string, options: TableOptions): boolean {
  const { globs, fold } = MATCHERS[options.matcher];
  if (globs) {
    const glob = parseGlob(path, false);
    const bytes = new TextEncoder().encode(wanted);
    return typeof glob !== 'string' && matchesGlob(glob, bytes, 0, bytes.length);
  }
  return fold ? wanted.toLowerCase().startsWith(path.toLowerCase()) : wanted.startsWith(path);
}

/** Exact hosts, then patterns from the most specific on, then routes without a host; with the listener's port before without. */
function compareHosts(a: string, b: string, secure: boolean, options: TableOptions): number {
  if (a === b) return 0;
  const rank = (host: string) => {
    if (host === '') return 4;
    const isNamed = normalHost(host, secure) === host;
    return (options.globs && hasGlob(host) ? 2 : 0) + (isNamed ? 1 : 0);
  };
  return rank(a) - rank(b) || comparePatterns(a, b);
}

function comparePaths(a: string, b: string, options: TableOptions): number {
  if (MATCHERS[options.matcher].globs) return a < b ? 1 : a > b ? -1 : 0;
  return b.length - a.length;
}

function resolved(path: string): string {
  const bytes = Buffer.from(path);
  return bytes.toString('utf8', 0, resolvePath(bytes, 0, bytes.length));
}

/** Escapes that are none stand for themselves. */
function decoded(path: string): string {
  return path.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
