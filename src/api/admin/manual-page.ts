import type { RouteProblem } from '../../route/view.ts';
import { cells, code, document, escapeHtml, table } from './page.ts';

export interface ManualPage {
  readonly title: string;
  readonly color: string;
  /** In front of all paths. */
  readonly path: string;
  /** Which of the texts it is, "" for the first. */
  readonly rest: string;
  readonly value: string;
  readonly version: string;
  readonly paths: readonly string[];
  readonly problems: readonly RouteProblem[];
}

const HELP = `route add SERVICE SOURCE DESTINATION [weight W] [tags "a,b"] [opts "strip=/x proto=tcp"]
route del SERVICE [SOURCE [DESTINATION]]
route del [SERVICE] tags "a,b"
route weight SERVICE SOURCE weight W [tags "a,b"]
route weight SOURCE weight W tags "a,b"`;

const SCRIPT = `
const form = document.querySelector('form');
const said = document.querySelector('output');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ value: form.value.value, version: form.dataset.version });
  const answer = await fetch(form.dataset.url, { method: 'PUT', body });
  if (answer.ok) location.reload();
  else said.textContent = answer.status === 409
    ? 'Somebody else wrote in the meantime: copy your text, load the page again.'
    : await answer.text();
});
`;

/** A page for people to write route commands on. */
export function manualPage({
  title,
  color,
  path,
  rest,
  value,
  version,
  paths,
  problems,
}: ManualPage): string {
  const others = paths.filter((one) => one !== rest);
  const links = others.map(
    (one) => `<a href="${escapeHtml(`${path}/manual${one}`)}">${code(one || '/')}</a>`,
  );
  const troubles = problems
    .filter(({ instance }) => instance === '')
    .map(({ tag, reason }) => `<tr>${cells([code(tag), escapeHtml(reason)])}</tr>`);
  return document(
    `${title}: commands ${rest}`,
    color,
    `<p><a href="${escapeHtml(`${path}/routes`)}">Routes</a>${links.length === 0 ? '' : ` · ${links.join(' · ')}`}</p>
<form data-url="${escapeHtml(`${path}/api/manual${rest}`)}" data-version="${escapeHtml(version)}">
<p><textarea name="value" spellcheck="false" aria-label="Commands">${escapeHtml(value)}</textarea></p>
<p><button>Save</button> <output></output></p></form>
${troubles.length === 0 ? '' : `<h2>Not used</h2>${table(['Command', 'Why'], troubles)}`}
<h2>Commands</h2><pre><code>${escapeHtml(HELP)}</code></pre>
<script>${SCRIPT}</script>`,
  );
}
