/** The balancer's routes in the words of fabio's admin API, for tools written against it. */
import type { RouteView, TargetView } from '../../route/view.ts';

/** One target of one route; the order of the fields is part of the format. */
export interface FabioRoute {
  service: string;
  host: string;
  path: string;
  src: string;
  dst: string;
  opts: string;
  /** Share of the route's requests, 0 to 1. */
  weight: number;
  tags?: readonly string[];
  cmd: 'route add';
  /** Requests per second over the last minute. */
  rate1: number;
  /** 99th percentile of the response time in nanoseconds. */
  pct99: number;
}

/** Live figures of a target on a route. */
export type TargetRates = (
  route: RouteView,
  target: TargetView,
) => { readonly rate1: number; readonly pct99: number };

export const noRates: TargetRates = () => ({ rate1: 0, pct99: 0 });

/** Rows of `/api/routes`: healthy targets only. `routes` in the router's order. */
export function fabioRoutes(routes: readonly RouteView[], rates: TargetRates = noRates): FabioRoute[] {
  return routes.flatMap((route) =>
    healthy(route).map((target): FabioRoute => {
      const { rate1, pct99 } = rates(route, target);
      return {
        service: target.service,
        host: route.host,
        path: route.path,
        src: route.id,
        dst: target.url,
        opts: optionsText(target),
        weight: target.share,
        ...(target.tags.length > 0 && { tags: target.tags }),
        cmd: 'route add',
        rate1,
        pct99,
      };
    }),
  );
}

/** The routes as commands that would make them, hosts from the last to the first, those without a host at the end. */
export function fabioCommands(routes: readonly RouteView[]): string {
  const byHost = new Map<string, RouteView[]>();
  for (const route of routes) {
    const same = byHost.get(route.host);
    if (same === undefined) byHost.set(route.host, [route]);
    else same.push(route);
  }
  const hosts = [...byHost.keys()].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  const lines = hosts
    .flatMap((host) => byHost.get(host) ?? [])
    .flatMap((route) =>
      healthy(route)
        .filter(({ share }) => share > 0)
        .map((target) => command(route, target)),
    );
  return `${lines.join('\n')}\n`;
}

function command({ id }: RouteView, target: TargetView): string {
  const { service, url, fixedWeight, tags } = target;
  let line = `route add ${service} ${id} ${url}`;
  if (fixedWeight > 0) line += ` weight ${fixedWeight.toFixed(4)}`;
  if (tags.length > 0) line += ` tags ${JSON.stringify(tags.join(','))}`;
  if (target.options.length > 0) line += ` opts ${JSON.stringify(optionsText(target))}`;
  return line;
}

/** In the order of their names, each with an equals sign, as fabio has them. */
function optionsText({ options }: TargetView): string {
  return options
    .map((word) => (word.includes('=') ? word : `${word}=`))
    .sort()
    .join(' ');
}

function healthy({ targets }: RouteView): TargetView[] {
  return targets.filter(({ out }) => out === '');
}

/** What of `/api/config` tools look at; the names are fabio's. */
export interface FabioSettings {
  readonly strategy: string;
  readonly matcher: string;
  readonly tagPrefix: string;
  readonly noRouteStatus: number;
  /** Whether the manual overrides may be written. */
  readonly access: 'ro' | 'rw';
  readonly kvPath: string;
  /** Where the routes come from. */
  readonly backend: string;
}

/** What holds in fabio when nothing is configured. */
export const FABIO_SETTINGS: FabioSettings = {
  strategy: 'rnd',
  matcher: 'prefix',
  tagPrefix: 'urlprefix-',
  noRouteStatus: 404,
  access: 'rw',
  kvPath: '/fabio/config',
  backend: 'consul',
};

export function fabioConfig(settings: FabioSettings): object {
  const { strategy, matcher, tagPrefix, noRouteStatus, access, kvPath, backend } = settings;
  return {
    Proxy: { Strategy: strategy, Matcher: matcher, NoRouteStatus: noRouteStatus },
    Registry: { Backend: backend, Consul: { TagPrefix: tagPrefix, KVPath: kvPath } },
    UI: { Access: access },
  };
}
