/** What the pages for people have in common. */

const STYLE = `
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
body { max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
header { border-top: .3rem solid var(--own, #8884); padding-top: .75rem; }
h1 { font-size: 1.25rem; } h2 { font-size: 1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
th { font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
code, textarea { font: 13px ui-monospace, monospace; } .out { opacity: .6; }
textarea { width: 100%; box-sizing: border-box; min-height: 18rem; }
`;

/** A whole page; `body` is markup, `title` and `color` are text. */
export function document(title: string, color: string, body: string): string {
  // fabio's names are those of Material design ("light-green"); CSS knows them without the hyphen.
  const own = /^[a-z-]+$/i.test(color) ? color.replace('-', '') : '';
  const style = own === '' ? '' : `:root { --own: ${own.toLowerCase()}; }`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}${style}</style></head><body>
<header><h1>${escapeHtml(title)}</h1></header>
${body}
</body></html>
`;
}

export function table(heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((name) => `<th>${name}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

export function cells(all: readonly string[]): string {
  return all.map((cell) => `<td>${cell}</td>`).join('');
}

export function code(text: string): string {
  return text === '' ? '' : `<code>${escapeHtml(text)}</code>`;
}

/** Everything on a page comes from whoever may register a service. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
