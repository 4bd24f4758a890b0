import { nearest } from '../../lib/nearest.ts';
import { whileAdmitted } from '../access.ts';
import type { ApiContext } from '../context.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { json, taken } from '../reply.ts';
import { overviewOf, routesOf, serviceOf } from './answers.ts';
import { clusterEndpoints } from './cluster.ts';
import type { Dashboard } from './dashboard.ts';
import { lookup } from './dns.ts';
import { events } from './events.ts';
import { groupEndpoints } from './groups.ts';
import { history } from './history.ts';
import { keyHistory } from './key-history.ts';
import { sessions } from './sessions.ts';
import { simulateGroup } from './simulate.ts';
import { MAX_CHANGES } from './wire.ts';

function dashboardOf({ dashboard }: ApiContext): Dashboard {
  if (dashboard === undefined) throw new HttpError(404, 'This agent was started without a dashboard');
  return dashboard;
}

const stream = endpoint({
  method: 'GET',
  path: '/v1/muster/stream',
  needs: 'overview',
  summary: 'Everything the dashboard shows, live (server-sent events): first `snapshot`, then `delta`',
  handler(context, request) {
    const { streams } = dashboardOf(context);
    return taken((response) => {
      request.signal.addEventListener('abort', () => response.end(), { once: true });
      response.once(
        'close',
        whileAdmitted(context, request, 'overview', () => response.end()),
      );
      if (streams.serve(response)) return;
      response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': '10' });
      response.end('Too many event streams are open: close some tabs of the dashboard');
    });
  },
});

const overview = endpoint({
  method: 'GET',
  path: '/v1/muster/overview',
  needs: 'overview',
  summary: 'Traffic, services, the last changes and problems at a glance',
  handler(context) {
    return json(overviewOf(dashboardOf(context).live));
  },
});

const service = endpoint({
  method: 'GET',
  path: '/v1/muster/services/:name',
  needs: 'overview',
  summary: 'Instances of a service: state, reason, traffic and the last five minutes of each',
  handler(context, { params }) {
    const { live } = dashboardOf(context);
    const found = serviceOf(live, context.catalog, params.name);
    if (found === undefined) {
      const near = nearest(params.name, context.catalog.values('services', 'name'));
      const hint = near === undefined ? '' : `; did you mean "${near}"?`;
      throw new HttpError(404, `No instance of "${params.name}" is registered${hint}`);
    }
    return json(found);
  },
});

const routes = endpoint({
  method: 'GET',
  path: '/v1/muster/routes',
  needs: 'overview',
  summary: 'Routes in force with their targets and traffic',
  handler(context) {
    return json(routesOf(dashboardOf(context).live));
  },
});

const changes = endpoint({
  method: 'GET',
  path: '/v1/muster/changes',
  needs: 'overview',
  summary: `What changed, in words, newest first: the last ${MAX_CHANGES}`,
  query: { service: 'only changes of this service' },
  handler(context, { query }) {
    const wanted = query.get('service').toLowerCase();
    const all = [...dashboardOf(context).live.current().changes].reverse();
    return json(wanted === '' ? all : all.filter((line) => line.service.toLowerCase() === wanted));
  },
});

const explain = endpoint({
  method: 'GET',
  path: '/v1/muster/explain',
  needs: 'overview',
  summary: 'Where a request for a URL goes, step by step, and why',
  query: { url: 'the URL as a client would ask for it; "http://" may be left out' },
  handler(context, { query }) {
    const { live } = dashboardOf(context);
    return json(live.traffic.explain(urlOf(query.get('url'))));
  },
});

/** A path alone means any host: the name says so, and nobody routes by it. */
function urlOf(text: string): URL {
  if (text === '') throw badRequest('Missing ?url=: the URL to explain, e.g. ?url=http://example.com/path');
  const whole = text.startsWith('/')
    ? `http://localhost${text}`
    : /^\w+:\/\//.test(text)
      ? text
      : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw badRequest(`Not a URL that a browser could ask for: ${JSON.stringify(text.slice(0, 200))}`);
  return url;
}

const latency = endpoint({
  method: 'GET',
  path: '/v1/muster/latency',
  needs: 'overview',
  summary: 'How long answers took over the last five minutes, as counts by step and duration',
  query: { service: 'only this service; all traffic unless given' },
  handler(context, { query }) {
    return json(dashboardOf(context).live.meter.heat(query.get('service')));
  },
});

const connections = endpoint({
  method: 'GET',
  path: '/v1/muster/connections',
  needs: 'overview',
  summary: 'TCP and UDP services that are balanced, and how many connections each instance holds',
  handler(context) {
    return json(context.connections?.() ?? []);
  },
});

/** Our own part of the API, behind the dashboard. */
export const musterEndpoints: readonly Endpoint[] = [
  stream,
  overview,
  service,
  routes,
  changes,
  explain,
  latency,
  connections,
  lookup,
  sessions,
  events,
  history,
  keyHistory,
  ...groupEndpoints,
  simulateGroup,
  ...clusterEndpoints,
];
