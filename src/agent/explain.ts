import type { State } from '../api/muster/wire.ts';
import type { ExplainStep, Explanation } from '../api/muster/wire-answers.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { serviceKey } from '../catalog/tables.ts';
import { aggregate, instanceOf } from '../catalog/views.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { Ejection } from '../proxy/ejector.ts';
import type { ProxySettings } from '../proxy/settings.ts';
import type { Router } from '../route/router.ts';
import type { RouteView, TargetView } from '../route/view.ts';
import { emergencyText, optionsOf, standingWords } from './route-words.ts';

/** Where clients connect to. */
export interface Entrance {
  /** host:port */
  readonly address: string;
  readonly protocol: 'http' | 'https' | 'https+tcp+sni' | 'tcp' | 'tcp+sni';
}

export interface ExplainParts {
  readonly catalog: Catalog;
  readonly router: Router;
  readonly entrances: readonly Entrance[];
  readonly settings: Pick<ProxySettings, 'auth' | 'noRoute'>;
  readonly ejections: readonly Ejection[];
}

/** Candidates that an explanation names one by one. */
const MOST_CANDIDATES = 50;

/** Answers for requests that no route takes, unless the configuration has another one. */
const NOT_FOUND = 404;

/** Where a request goes, as steps: the listener, the route and those passed over, each candidate with its reason. */
export function explain(url: URL, parts: ExplainParts): Explanation {
  const { entrances } = parts;
  const isSecure = url.protocol === 'https:';
  const port = url.port || (isSecure ? '443' : '80');
  const here = entrances.filter(({ address }) => address.endsWith(`:${port}`));
  // At the port that a scheme has by itself something may stand in front of them.
  if (here.length === 0 && url.port === '')
    return asked(
      url,
      entrances.filter(isForRequests).map(({ address }) => address),
      parts,
    );
  for (const entrance of here) {
    const relayed = relayedBy(entrance, url, parts.router);
    if (relayed !== undefined) return connected(url, entrance, relayed, parts);
  }
  const fitting = here.find(
    ({ protocol }) =>
      protocol === (isSecure ? 'https' : 'http') || (isSecure && protocol === 'https+tcp+sni'),
  );
  if (fitting !== undefined) return asked(url, [fitting.address], parts);
  return { url: url.href, route: null, service: '', steps: [closed(here[0], port, entrances)] };
}

/** Rather than for connections, which it passes on as they are. */
export function isForRequests({ protocol }: Entrance): boolean {
  return protocol !== 'tcp' && protocol !== 'tcp+sni';
}

/** Why a connection to `port` comes to nothing. */
function closed(entrance: Entrance | undefined, port: string, all: readonly Entrance[]): ExplainStep {
  if (entrance === undefined) {
    const others = all.map(({ address, protocol }) => `${address} (${protocol})`).join(', ');
    return ended('refused', `no listener has the port ${port}: there are ${others || 'none'}`);
  }
  const { address, protocol } = entrance;
  const why: Record<Entrance['protocol'], string> = {
    http: 'it takes requests in clear text, and no TLS: ask with http://',
    https: 'it takes requests over TLS only: ask with https://',
    'https+tcp+sni': 'it takes requests over TLS only: ask with https://',
    tcp: 'it passes connections on as they are, and no TCP route has its port',
    'tcp+sni':
      'it passes TLS connections on as they are, by the name that they ask for, and no route has this one',
  };
  return ended('closed', `${address} is for ${protocol}: ${why[protocol]}`);
}

/** The route by which connections are passed on as they are; undefined where they are not. As `proxy/net/route-destinations.ts` has it. */
function relayedBy({ address, protocol }: Entrance, url: URL, router: Router): RouteView | undefined {
  const routes = router.routes().filter(({ isInForce }) => isInForce);
  const tcp = (name: string) => routes.find(({ kind, host }) => kind === 'tcp' && host === name);
  if (protocol === 'tcp') return tcp(address) ?? tcp(address.slice(address.lastIndexOf(':')));
  if (url.protocol !== 'https:' || protocol === 'http' || protocol === 'https') return undefined;
  const byName = tcp(url.hostname);
  if (byName !== undefined || protocol === 'https+tcp+sni') return byName;
  // What is done with requests cannot be done with connections.
  return routes.find(
    ({ kind, host, path, handling }) =>
      kind === 'http' &&
      host === url.hostname &&
      path === '/' &&
      handling.redirect === undefined &&
      handling.auth === undefined,
  );
}

function connected(
  url: URL,
  { address, protocol }: Entrance,
  route: RouteView,
  parts: ExplainParts,
): Explanation {
  const what = protocol === 'tcp' ? 'connections' : `TLS connections for ${url.hostname}`;
  const steps: ExplainStep[] = [
    { kind: 'listener', title: address, reason: `passes ${what} on as they are`, taken: true, state: null },
    routeStep(route, protocol === 'tcp' ? `TCP route` : `name ${url.hostname}`),
    ...candidatesOf(route, parts, 'connections'),
  ];
  if (!isAnyTaken(steps))
    steps.push(ended('closed', `${route.service} has no instance that takes connections`));
  return { url: url.href, route: route.id, service: route.service, steps };
}

/** A request that one of `listeners` takes. */
function asked(url: URL, listeners: readonly string[], parts: ExplainParts): Explanation {
  const { router, settings } = parts;
  const isSecure = url.protocol === 'https:';
  const { host, path, route, passedOver } = router.explain(url.host, url.pathname, isSecure);
  const reason = `takes the request for ${host || 'any host'}${path}`;
  const steps: ExplainStep[] = [
    { kind: 'listener', title: listeners.join(', '), reason, taken: true, state: null },
  ];
  if (route !== undefined)
    steps.push(
      routeStep(route, `${route.host === '' ? 'any host' : `host ${route.host}`}, path from ${route.path}`),
    );
  for (const { route: other, reason } of passedOver)
    steps.push({ kind: 'route', title: other.id, reason, taken: false, state: null });
  if (route === undefined) {
    const { route: other } = router.explain(url.hostname, url.pathname, isSecure);
    const hint =
      other === undefined || url.port === ''
        ? ''
        : `. ${other.id} takes it for the host ${url.hostname}: a port in the request's Host counts, so ask without it, or give the tag the port (${url.host})`;
    const reason = `no route has a prefix of ${path} for the host ${host} or for any host${hint}`;
    steps.push(ended(String(settings.noRoute?.status ?? NOT_FOUND), reason));
    return { url: url.href, route: null, service: '', steps };
  }
  const own = answeredBefore(route, settings);
  if (own !== undefined)
    return { url: url.href, route: route.id, service: route.service, steps: [...steps, own] };
  steps.push(...candidatesOf(route, parts, 'requests'));
  if (!isAnyTaken(steps)) steps.push(ended('503', `${route.service} has no instance that takes requests`));
  return { url: url.href, route: route.id, service: route.service, steps };
}

/** What the balancer answers by itself whoever asks; in its order. */
function answeredBefore(
  { handling: { auth, redirect } }: RouteView,
  settings: Pick<ProxySettings, 'auth'>,
): ExplainStep | undefined {
  if (auth !== undefined && settings.auth?.[auth] === undefined)
    return ended('401', `there is no [[balancer.auth]] with the name "${auth}", so nobody is let in`);
  if (redirect !== undefined)
    return ended(String(redirect.code), `the client is sent to ${redirect.url}, no instance is asked`);
  return undefined;
}

function routeStep(route: RouteView, takes: string): ExplainStep {
  const options = Object.entries(optionsOf(route)).map(([name, value]) => `, ${name} ${value}`);
  const emergency = emergencyText(route);
  const reason = `${takes}; ${route.service}, strategy ${route.strategy}${options.join('')}${emergency === '' ? '' : `; ${emergency}`}`;
  return { kind: 'route', title: route.id, reason, taken: true, state: null };
}

function ended(title: string, reason: string): ExplainStep {
  return { kind: 'end', title, reason, taken: true, state: null };
}

function isAnyTaken(steps: readonly ExplainStep[]): boolean {
  return steps.some(({ kind, taken }) => kind === 'candidate' && taken);
}

/** Those that are taken first. */
function candidatesOf(
  route: RouteView,
  { catalog, ejections }: ExplainParts,
  what: 'requests' | 'connections',
): ExplainStep[] {
  const ejected = new Map(ejections.map((ejection) => [ejection.id, ejection]));
  const usable = route.targets.filter(({ out, obstacle, share }) => (out || obstacle) === '' && share > 0);
  // Instances that are ejected are of last resort: a wrong ejection must not refuse anybody.
  const isLastResort = usable.every(({ instance }) => ejected.has(instance));
  const candidates = route.targets.map((target): ExplainStep => {
    const title = `${target.serviceId} at ${formatHostPort(target.host, target.port)}`;
    const candidate = { kind: 'candidate', title } as const;
    const out = target.out || target.obstacle;
    if (out !== '') return { ...candidate, reason: out, taken: false, state: stateOf(catalog, target) };
    const ejection = ejected.get(target.instance);
    if (ejection !== undefined) {
      const tried = isLastResort ? '; tried all the same, as all are' : '';
      return {
        ...candidate,
        reason: `ejected: ${ejection.why}${tried}`,
        taken: isLastResort,
        state: 'ejected',
      };
    }
    const percent = (target.share * 100).toFixed(target.share > 0 && target.share < 0.1 ? 1 : 0);
    const words = [...standingWords(target, route, Date.now()), `gets ${percent} % of the ${what}`];
    const state = (target.standing?.doubtful ?? '') === '' ? 'passing' : stateOf(catalog, target);
    return { ...candidate, reason: words.join('; '), taken: target.share > 0, state };
  });
  return candidates.sort((a, b) => Number(b.taken) - Number(a.taken)).slice(0, MOST_CANDIDATES);
}

/** What the checks say of an instance; null when it is gone in the meantime. */
function stateOf(catalog: Catalog, { node, serviceId }: TargetView): State | null {
  const service = catalog.get('services', serviceKey(node, serviceId));
  const instance = service === undefined ? undefined : instanceOf(catalog, service);
  return instance === undefined ? null : aggregate(instance.checks);
}
