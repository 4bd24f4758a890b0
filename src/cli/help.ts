/** Help, from the table of verbs. An example stands first: most readers look for nothing else. */

import { columns } from './columns.ts';
import type { Flag } from './flags.ts';
import type { Verb, Verbs, WholeVerb } from './verb.ts';

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

export function helpOf(name: string, verb: WholeVerb): string {
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
export async function overview(verbs: Verbs, prefix = ''): Promise<string> {
  const listed = Object.entries(verbs).filter(([name]) => prefix === '' || name.startsWith(`${prefix} `));
  const first = prefix === '' ? 'muster up' : (await listed[0]?.[1].load())?.examples[0].command;
  return [
    'Example:',
    `  ${first}`,
    '',
    `Usage: muster ${prefix === '' ? 'VERB' : `${prefix} VERB`} [flags] [arguments]`,
    '',
    columns(listed.map(([name, { summary }]) => [`  ${name}`, summary])).trimEnd(),
    '',
    `"muster ${prefix === '' ? 'VERB' : `${prefix} VERB`} --help" says more. Exit codes: 0 done, 1 failed, 2 wrong usage.`,
    '',
  ].join('\n');
}
