import type { RouteProblem, RouteView } from '../../route/view.ts';

export interface RoutesPage {
  readonly title: string;
  readonly routes: readonly RouteView[];
  readonly problems: readonly RouteProblem[];
  /** URL of the dashboard, "" when there is none. */
  readonly dashboard: string;
}

const STYLE = `
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
body { max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.25rem; } h2 { font-size: 1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
th { font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: 13px ui-monospace, monospace; } .out { opacity: .6; }
`;

/** A page for people without the dashboard: routes, who is behind them, and what is wrong. */
export function routesPage({ title, routes, problems, dashboard }: RoutesPage): string {
  const rows = routes.flatMap((route) =>
    route.targets.map((target) => {
      const why = target.out || target.obstacle;
      const share = why === '' ? `${(target.share * 100).toFixed(1)} %` : escapeHtml(why);
      return `<tr${why === '' ? '' : ' class="out"'}>${cells([
        code(route.id),
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
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${dashboard === '' ? '' : `<p><a href="${escapeHtml(dashboard)}">Dashboard</a></p>`}
${rows.length === 0 ? '<p>No routes: no healthy service has a route tag.</p>' : table(['Route', 'Service', 'Target', 'Options', 'Share'], rows)}
${troubles.length === 0 ? '' : `<h2>Not used</h2>${table(['Service', 'Instance', 'Tag', 'Why'], troubles)}`}
</body></html>
`;
}

function table(heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((name) => `<th>${name}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

function cells(all: readonly string[]): string {
  return all.map((cell) => `<td>${cell}</td>`).join('');
}

function code(text: string): string {
  return text === '' ? '' : `<code>${escapeHtml(text)}</code>`;
}

/** Everything on the page comes from whoever may register a service. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
