/** docs/reference/cli.md, from the table of verbs. */
import { CONNECTION_FLAGS } from './connect.ts';
import type { Flag } from './flags.ts';
import { flagText, flagUsage, shownFlags, usageOf } from './help.ts';
import type { WholeVerbs } from './verb.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

function table(flags: readonly [string, Flag][]): string[] {
  if (flags.length === 0) return [];
  const rows = flags.map(([flag, row]) => `| \`${cell(flagUsage(flag, row))}\` | ${cell(flagText(row))} |`);
  return ['| flag | meaning |', '|---|---|', ...rows, ''];
}

export function cliReference(verbs: WholeVerbs): string {
  const parts = Object.entries(verbs).flatMap(([name, verb]) => {
    const { own, connection } = shownFlags(verb);
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
      `Usage: \`${usageOf(name, verb)}\`${connection.length === 0 ? '' : ', with the [flags to reach the agent](#reaching-the-agent)'}`,
      '',
      ...table(own),
    ];
  });
  return [
    '# Command line',
    '',
    '<!-- Made from src/cli/verbs.ts by `node scripts/docs.mjs`. -->',
    '',
    '`muster VERB [flags] [arguments]`. Flags are written `-flag` or `--flag`, `-flag=value` or `-flag value`, before or behind',
    'arguments; `--` ends them. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.',
    '',
    '## Reaching the agent',
    '',
    "Verbs that look and act ask the agent on this machine unless told otherwise, by flags or by Consul's variables: `CONSUL_HTTP_ADDR`,",
    '`CONSUL_HTTP_TOKEN`, `CONSUL_HTTP_TOKEN_FILE`, `CONSUL_HTTP_AUTH`, `CONSUL_HTTP_SSL`, `CONSUL_HTTP_SSL_VERIFY`, `CONSUL_CACERT`,',
    '`CONSUL_CAPATH`, `CONSUL_CLIENT_CERT`, `CONSUL_CLIENT_KEY`, `CONSUL_TLS_SERVER_NAME`.',
    '',
    ...table(Object.entries(CONNECTION_FLAGS)),
    ...parts,
  ].join('\n');
}
