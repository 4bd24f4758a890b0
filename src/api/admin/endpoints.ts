import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { percentDecoded } from '../../lib/percent.ts';
import type { Router } from '../../route/router.ts';
import { admitToken, type Door, type Needs } from '../access.ts';
import { HttpError } from '../http-error.ts';
import { tokenOf } from '../request.ts';
import { fabioCommands, fabioRoutes, type TargetRates } from './fabio.ts';
import { type ManualStore, parseManual } from './manual.ts';
import { manualPage } from './manual-page.ts';
import { type RouteLinks, routesPage } from './routes-page.ts';

/** What the endpoints answer from. */
export interface AdminSource {
  readonly router: Pick<Router, 'routes' | 'problems' | 'applied'>;
  readonly version: string;
  readonly title: string;
  /** A colour of CSS or of Material design; "" for none. */
  readonly color: string;
  readonly dashboard: string;
  /** In front of all paths but `/health`; without a slash at its end. */
  readonly path: string;
  /** `ro`: the manual overrides are closed. */
  readonly access: 'ro' | 'rw';
  /** Undefined where there is nothing to write to. */
  readonly manual: ManualStore | undefined;
  /** Settings in force, as `/api/config` shows them. */
  readonly settings: () => object;
  readonly rates: TargetRates;
  /** Whether sources on the page are links; undefined: no. */
  readonly links: RouteLinks | undefined;
  /** What tokens are asked of; a balancer without an agent has no access control. */
  readonly door: Door;
}

export interface AdminReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AdminRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  /** What stands behind the endpoint's own path. */
  readonly rest: string;
  readonly body: string;
}

interface Endpoint {
  readonly methods: readonly string[];
  /** What the token has to grant, as on the port of the HTTP API. */
  readonly needs: Needs;
  /** The same for PUT. */
  readonly needsToWrite?: Needs;
  /** Its path may go on. */
  readonly takesRest?: boolean;
  /** Closed when the access is `ro`. */
  readonly writes?: boolean;
  answer(source: AdminSource, request: AdminRequest): AdminReply | Promise<AdminReply>;
}

const READ = ['GET', 'HEAD'];

/** Every page by its path; a new one is a line here. */
export const ADMIN_ENDPOINTS = {
  '/api/routes': {
    methods: READ,
    needs: 'overview',
    async answer({ router, rates }, { query }) {
      // Who reads a route here may ask for it at once.
      await router.applied();
      const routes = router.routes();
      if (query.has('raw')) return text(200, fabioCommands(routes));
      const rows = fabioRoutes(routes, rates);
      // An empty list is null there, which its clients know.
      return json(rows.length === 0 ? null : rows, query);
    },
  },
  '/api/config': {
    methods: READ,
    needs: 'operator:read',
    answer: ({ settings }, { query }) => json(settings(), query),
  },
  '/api/version': { methods: READ, needs: 'agent:read', answer: ({ version }) => text(200, version) },
  /** Muster's own: tags and commands that could not be used. */
  '/api/problems': {
    methods: READ,
    needs: 'overview',
    answer: ({ router }, { query }) => json(router.problems(), query),
  },
  '/api/manual': {
    methods: [...READ, 'PUT'],
    needs: 'overview',
    needsToWrite: 'operator:write',
    takesRest: true,
    writes: true,
    async answer({ manual }, { method, query, rest, body }) {
      if (manual === undefined) return text(404, 'the routes of this balancer cannot be written to\n');
      if (method !== 'PUT') return json(await manual.read(rest), query);
      const wanted = parseManual(body);
      if (wanted === undefined)
        return text(400, 'expected {"value":"route add …","version":"…"} with the version that was read\n');
      const isWritten = await manual.write(rest, wanted.value, wanted.version);
      return isWritten ? text(200, '') : text(409, 'version mismatch\n');
    },
  },
  '/api/paths': {
    methods: READ,
    needs: 'overview',
    writes: true,
    async answer({ manual }, { query }) {
      return json((await manual?.paths()) ?? [], query);
    },
  },
  '/health': { methods: READ, needs: 'nothing', answer: () => text(200, 'OK\n') },
  '/routes': {
    methods: READ,
    needs: 'overview',
    answer: ({ router, title, color, dashboard, path, access, manual, links }) =>
      page(
        routesPage({
          title,
          color,
          dashboard,
          manual: access === 'rw' && manual !== undefined ? `${path}/manual` : '',
          links,
          routes: router.routes(),
          problems: router.problems(),
        }),
      ),
  },
  '/manual': {
    methods: READ,
    needs: 'overview',
    takesRest: true,
    writes: true,
    async answer({ manual, title, color, path, router }, { rest }) {
      if (manual === undefined) return text(404, 'the routes of this balancer cannot be written to\n');
      const { value, version } = await manual.read(rest);
      const paths = await manual.paths();
      return page(
        manualPage({ title, color, path, rest, value, version, paths, problems: router.problems() }),
        SCRIPTED,
      );
    },
  },
} as const satisfies Record<string, Endpoint>;

// The pages carry their own style, and the one for writing its own script, and need nothing else.
const STYLED = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const SCRIPTED = `${STYLED}; script-src 'unsafe-inline'; connect-src 'self'`;

function page(body: string, policy = STYLED): AdminReply {
  return {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
    body,
  };
}

/** A request as it came in. */
export interface AdminCall {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The answer to a request. Whatever is no page leads to the routes, as in fabio; below `/api/` it is 404. */
export async function adminReply(
  { method, target, body, headers }: AdminCall,
  source: AdminSource,
): Promise<AdminReply> {
  const { pathname, searchParams: query } = new URL(target, 'http://admin.invalid');
  const found = find(pathname, source.path);
  if (found === undefined) {
    if (pathname.startsWith(`${source.path}/api/`))
      return text(
        404,
        `no such endpoint: ${pathname}; there are ${Object.keys(ADMIN_ENDPOINTS).join(', ')}\n`,
      );
    return { ...text(303, ''), headers: { location: `${source.path}/routes` } };
  }
  const { endpoint, rest } = found;
  if (endpoint.writes === true && source.access === 'ro') return text(403, 'Forbidden\n');
  if (!endpoint.methods.includes(method)) {
    const reply = text(405, 'not allowed\n');
    return { ...reply, headers: { ...reply.headers, allow: endpoint.methods.join(', ') } };
  }
  const needs = method === 'PUT' ? (endpoint.needsToWrite ?? endpoint.needs) : endpoint.needs;
  const refusal = refused(source.door, tokenOf(headers, query.get('token') ?? ''), needs);
  return refusal ?? (await endpoint.answer(source, { method, query, rest, body }));
}

/** What is answered to who may not ask this, or undefined. */
function refused(door: Door, token: string, needs: Needs): AdminReply | undefined {
  try {
    admitToken(door, token, needs);
    return undefined;
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const remedy = 'send a token that may see this as X-Consul-Token, as Authorization: Bearer or as ?token=';
    return text(error.status, `${error.message}: ${remedy}\n`);
  }
}

function find(pathname: string, base: string): { endpoint: Endpoint; rest: string } | undefined {
  // Checks of the registry ask for it wherever the pages are.
  if (pathname === '/health') return { endpoint: ADMIN_ENDPOINTS['/health'], rest: '' };
  if (!pathname.startsWith(base)) return undefined;
  const path = pathname.slice(base.length);
  for (const [own, endpoint] of Object.entries<Endpoint>(ADMIN_ENDPOINTS)) {
    if (path === own) return { endpoint, rest: '' };
    if (endpoint.takesRest === true && path.startsWith(`${own}/`))
      return { endpoint, rest: percentDecoded(path.slice(own.length)) };
  }
  return undefined;
}

export function text(status: number, body: string): AdminReply {
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  return { status, headers, body: body === '' && status >= 400 ? `${STATUS_CODES[status] ?? ''}\n` : body };
}

/** As Go writes it: `?pretty` indents by four, and signs of HTML are escaped. */
function json(value: unknown, query: URLSearchParams): AdminReply {
  const body = JSON.stringify(value, undefined, query.has('pretty') ? 4 : undefined).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body };
}
