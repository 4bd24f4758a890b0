import { STATUS_CODES } from 'node:http';
import type { Router } from '../../route/router.ts';
import { type FabioSettings, fabioCommands, fabioConfig, fabioRoutes, type TargetRates } from './fabio.ts';
import { routesPage } from './routes-page.ts';

/** What the endpoints answer from. */
export interface AdminSource {
  readonly router: Pick<Router, 'routes' | 'problems'>;
  readonly version: string;
  readonly title: string;
  readonly dashboard: string;
  readonly settings: () => FabioSettings;
  readonly rates: TargetRates;
}

export interface AdminReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Endpoint = (source: AdminSource, query: URLSearchParams) => AdminReply;

/** Every page by its path; a new one is a line here. */
export const ADMIN_ENDPOINTS = {
  '/api/routes': ({ router, rates }, query) => {
    const routes = router.routes();
    if (query.has('raw')) return text(200, fabioCommands(routes));
    const rows = fabioRoutes(routes, rates);
    // An empty list is null there, which its clients know.
    return json(rows.length === 0 ? null : rows, query);
  },
  '/api/config': ({ settings }, query) => json(fabioConfig(settings()), query),
  '/api/version': ({ version }) => text(200, version),
  /** Muster's own: tags that could not be used. */
  '/api/problems': ({ router }, query) => json(router.problems(), query),
  '/health': () => text(200, 'OK\n'),
  '/routes': ({ router, title, dashboard }) => {
    const body = routesPage({ title, dashboard, routes: router.routes(), problems: router.problems() });
    // The page carries its own style and needs nothing else.
    const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    return {
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
      body,
    };
  },
} as const satisfies Record<string, Endpoint>;

/** The answer to a request. Whatever is no page leads to the routes, as in fabio; below `/api/` it is 404. */
export function adminReply(method: string, target: string, source: AdminSource): AdminReply {
  const { pathname, searchParams } = new URL(target, 'http://admin.invalid');
  if (!Object.hasOwn(ADMIN_ENDPOINTS, pathname)) {
    if (pathname.startsWith('/api/'))
      return text(
        404,
        `no such endpoint: ${pathname}; there are ${Object.keys(ADMIN_ENDPOINTS).join(', ')}\n`,
      );
    return { ...text(303, ''), headers: { location: '/routes' } };
  }
  if (method !== 'GET' && method !== 'HEAD')
    return {
      ...text(405, 'not allowed\n'),
      headers: { 'content-type': 'text/plain; charset=utf-8', allow: 'GET, HEAD' },
    };
  return ADMIN_ENDPOINTS[pathname as keyof typeof ADMIN_ENDPOINTS](source, searchParams);
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
