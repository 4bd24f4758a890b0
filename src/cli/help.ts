/** Help, from the table of verbs. An example stands first: most readers look for nothing else. */

import { columns } from './columns.ts';
import type { Flag } from './flags.ts';
import type { Verb } from './verb.ts';

export type Verbs = Readonly<Record<string, Verb>>;

export function usageOf(name: string, verb: Verb): string {
  const flags = Object.keys(verb.flags).length > 0 ? ' [flags]' : '';
  return `muster ${name}${flags}${verb.args.map((arg) => ` ${arg}`).join('')}`;
}

/** The flags that the help lists one by one: the verb's own, and those to reach the agent. */
export function shownFlags(verb: Verb): Record<'own' | 'connection', [string, Flag][]> {
  const shown = Object.entries<Flag>(verb.flags).filter(([, { hidden }]) => hidden !== true);
  return {
    own: shown.filter(([, { group }]) => group === undefined),
    connection: shown.filter(([, { group }]) => group === 'connection'),
  };
}

/** "-timeout DURATION" */
export function flagUsage(name: string, flag: Flag): string {
  const value =
    flag.value ??
    { boolean: '', string: 'TEXT', integer: 'N', number: 'N', duration: 'DURATION', list: 'TEXT' }[flag.kind];
  return `-${name}${value === '' ? '' : ` ${value}`}`;
}

export function flagText(flag: Flag): string {
  const parts = [flag.summary];
  if (flag.choices !== undefined) parts.push(`One of ${flag.choices.join(', ')}.`);
  if (flag.kind === 'list') parts.push('May be repeated.');
  if (flag.default !== undefined) parts.push(`Default: ${flag.default}.`);
  return parts.join(' ');
}

export function helpOf(name: string, verb: Verb): string {
  const examples = verb.examples.flatMap(({ command, does }) => [
    ...(does === undefined ? [] : [`  # ${does}`]),
    `  ${command}`,
  ]);
  const table = (title: string, flags: readonly [string, Flag][]): string[] =>
    flags.length === 0
      ? []
      : [
          '',
          title,
          columns(flags.map(([flag, row]) => [`  ${flagUsage(flag, row)}`, flagText(row)])).trimEnd(),
        ];
  const { own, connection } = shownFlags(verb);
  return [
    verb.examples.length > 1 ? 'Examples:' : 'Example:',
    ...examples,
    '',
    verb.summary,
    ...(verb.about === undefined ? [] : ['', verb.about]),
    '',
    `Usage: ${usageOf(name, verb)}`,
    ...table('Flags:', own),
    ...table('To reach the agent:', connection),
    '',
  ].join('\n');
}

/** The verbs that begin with `prefix` ("kv"), or all of them. */
export function overview(verbs: Verbs, prefix = ''): string {
  const rows = Object.entries(verbs)
    .filter(([name]) => prefix === '' || name.startsWith(`${prefix} `))
    .map(([name, verb]) => [`  ${name}`, verb.summary]);
  const first =
    prefix === ''
      ? 'muster up'
      : Object.entries(verbs).find(([name]) => name.startsWith(`${prefix} `))?.[1].examples[0].command;
  return [
    'Example:',
    `  ${first}`,
    '',
    `Usage: muster ${prefix === '' ? 'VERB' : `${prefix} VERB`} [flags] [arguments]`,
    '',
    columns(rows).trimEnd(),
    '',
    `"muster ${prefix === '' ? 'VERB' : `${prefix} VERB`} --help" says more. Exit codes: 0 done, 1 failed, 2 wrong usage.`,
    '',
  ].join('\n');
}
