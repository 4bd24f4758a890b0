/** docs/reference/cli.md, from the table of verbs. */
import { flagText, flagUsage, usageOf, type Verbs } from './help.ts';

export function cliReference(verbs: Verbs): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const parts = Object.entries(verbs).flatMap(([name, verb]) => {
    const flags = Object.entries(verb.flags).filter(([, flag]) => flag.hidden !== true);
    return [
      `## ${name}`,
      '',
      verb.summary,
      ...(verb.about === undefined ? [] : ['', verb.about]),
      '',
      '```sh',
      ...verb.examples.map(({ command, does }) => (does === undefined ? command : `${command}  # ${does}`)),
      '```',
      '',
      `Usage: \`${usageOf(name, verb)}\``,
      '',
      ...(flags.length === 0
        ? []
        : [
            '| flag | meaning |',
            '|---|---|',
            ...flags.map(([flag, row]) => `| \`${cell(flagUsage(flag, row))}\` | ${cell(flagText(row))} |`),
            '',
          ]),
    ];
  });
  return [
    '# Command line',
    '',
    '<!-- Made from src/cli/verbs.ts by `node scripts/docs.mjs`. -->',
    '',
    '`muster VERB [flags] [arguments]`. Flags are written `-flag` or `--flag`, `-flag=value` or `-flag value`, before or behind',
    'arguments; `--` ends them. `CONSUL_HTTP_ADDR`, `CONSUL_HTTP_TOKEN`, `CONSUL_HTTP_TOKEN_FILE`, `CONSUL_HTTP_SSL` and',
    '`CONSUL_HTTP_AUTH` are read. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.',
    '',
    ...parts,
  ].join('\n');
}
