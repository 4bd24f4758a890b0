import type { RouteProblem, RouteView } from '../../route/view.ts';
import { cells, code, document, escapeHtml, table } from './page.ts';

/** How a route's source becomes a link. */
export interface RouteLinks {
  readonly scheme: string;
  /** Host of those that name none; "" leaves them as they are. */
  readonly host: string;
  readonly port: string;
  readonly newTab: boolean;
}

export interface RoutesPage {
  readonly title: string;
  readonly color: string;
  readonly routes: readonly RouteView[];
  readonly problems: readonly RouteProblem[];
  /** URL of the dashboard, "" when there is none. */
  readonly dashboard: string;
  /** URL of the page for commands, "" when there is none. */
  readonly manual: string;
  readonly links: RouteLinks | undefined;
}

/** A page for people without the dashboard: routes, who is behind them, and what is wrong. */
export function routesPage({ title, color, routes, problems, dashboard, manual, links }: RoutesPage): string {
  const rows = routes.flatMap((route) =>
    route.targets.map((target) => {
      const why = target.out || target.obstacle;
      const share = why === '' ? `${(target.share * 100).toFixed(1)} %` : escapeHtml(why);
      return `<tr${why === '' ? '' : ' class="out"'}>${cells([
        sourceOf(route, links),
        escapeHtml(target.service),
        code(target.url),
        code(target.options.join(' ')),
      ])}<td class="number">${share}</td></tr>`;
    }),
  );
  const troubles = problems.map(
    ({ service, instance, tag, reason }) =>
      `<tr>${cells([escapeHtml(service), escapeHtml(instance), code(tag), escapeHtml(reason)])}</tr>`,
  );
  const ways = [
    ...(dashboard === '' ? [] : [`<a href="${escapeHtml(dashboard)}">Dashboard</a>`]),
    ...(manual === '' ? [] : [`<a href="${escapeHtml(manual)}">Commands</a>`]),
  ];
  return document(
    title,
    color,
    `${ways.length === 0 ? '' : `<p>${ways.join(' · ')}</p>`}
${rows.length === 0 ? '<p>No routes: no healthy service has a route tag.</p>' : table(['Route', 'Service', 'Target', 'Options', 'Share'], rows)}
${troubles.length === 0 ? '' : `<h2>Not used</h2>${table(['Service', 'Instance', 'Tag or command', 'Why'], troubles)}`}`,
  );
}

function sourceOf({ id, kind, host, path }: RouteView, links: RouteLinks | undefined): string {
  const name = links === undefined || kind === 'tcp' || /[*?[{]/.test(host) ? '' : host || links.host;
  if (links === undefined || name === '') return code(id);
  const port = links.port === '' || name.includes(':') ? '' : `:${links.port}`;
  const url = escapeHtml(`${links.scheme}://${name}${port}${path}`);
  return `<a href="${url}"${links.newTab ? ' target="_blank" rel="noopener"' : ''}>${code(id)}</a>`;
}
