/** docs/reference/template.md, from the table of functions. */
import type { Group } from './entry.ts';
import { REFUSED, SECTIONS } from './table.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function templateReference(): string {
  const sections = Object.entries<Group>(SECTIONS).flatMap(([title, group]) => [
    `## ${title}`,
    '',
    '| function | meaning | example |',
    '|---|---|---|',
    ...Object.entries(group).map(
      ([name, { summary, example }]) => `| \`${name}\` | ${cell(summary)} | \`${cell(example)}\` |`,
    ),
    '',
  ]);
  return [
    '# Functions of templates',
    '',
    '<!-- Made from src/template/functions by `node scripts/docs.mjs`. -->',
    '',
    "Besides those of Go's text/template: `and`, `call`, `eq`, `ge`, `gt`, `html`, `index`, `js`, `le`, `len`, `lt`, `ne`, `not`, `or`, `print`,",
    '`printf`, `println`, `slice`, `urlquery`.',
    '',
    ...sections,
    '## Not available',
    '',
    `Known, and refused with a reason: ${Object.keys(REFUSED)
      .map((name) => `\`${name}\``)
      .join(', ')}.`,
    '',
  ].join('\n');
}
