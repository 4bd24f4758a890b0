/** Manual pages (troff with the man macros) from the table of verbs. */
import { flagText, flagUsage, usageOf } from './help.ts';
import type { WholeVerb, WholeVerbs } from './verb.ts';

/** Pages by the name of their file: muster.1 with the list of verbs, and one for each verb. */
export function manPages(verbs: WholeVerbs, version: string): Map<string, string> {
  const pages = new Map([['muster.1', overviewPage(verbs, version)]]);
  for (const [name, verb] of Object.entries(verbs))
    pages.set(`${pageOf(name)}.1`, verbPage(name, verb, version));
  return pages;
}

const pageOf = (name: string): string => `muster-${name.replaceAll(' ', '-')}`;

function overviewPage(verbs: WholeVerbs, version: string): string {
  return [
    header('muster', version),
    '.SH NAME',
    'muster \\- service registry, health checks, DNS, key/value store and load balancer',
    '.SH SYNOPSIS',
    '.B muster',
    '.I VERB',
    '[flags] [arguments]',
    '.SH DESCRIPTION',
    line(
      "One program that keeps a catalog of services, checks them, answers Consul's HTTP API and DNS from it, and balances traffic to what is healthy. An agent to try it with is started by",
    ),
    '.BR "muster agent -dev" .',
    '.SH VERBS',
    ...Object.entries(verbs).flatMap(([name, { summary }]) => [
      '.TP',
      `.BR ${quoted(`muster ${name}`)}`,
      line(summary),
    ]),
    '.SH ENVIRONMENT',
    ...[
      ['CONSUL_HTTP_ADDR', 'The agent that is asked.'],
      ['CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE', 'ACL token.'],
      ['CONSUL_HTTP_SSL, CONSUL_HTTP_AUTH', 'Ask over HTTPS; user and password.'],
      ['OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS', 'Where an agent sends its figures.'],
      ['NO_COLOR', 'No colours.'],
    ].flatMap(([name = '', meaning = '']) => ['.TP', `.B ${line(name)}`, line(meaning)]),
    '.SH EXIT STATUS',
    '0 done, 1 failed, 2 wrong usage or configuration.',
    '.SH SIGNALS',
    line('HUP reads the configuration again. TERM and INT drain and stop; a second one ends at once.'),
    '',
  ].join('\n');
}

function verbPage(name: string, verb: WholeVerb, version: string): string {
  const flags = Object.entries(verb.flags).filter(([, flag]) => flag.hidden !== true);
  return [
    header(pageOf(name), version),
    '.SH NAME',
    `${line(pageOf(name))} \\- ${line(verb.summary)}`,
    '.SH SYNOPSIS',
    `.B ${line(usageOf(name, verb))}`,
    ...(verb.about === undefined ? [] : ['.SH DESCRIPTION', line(verb.about)]),
    '.SH EXAMPLES',
    ...verb.examples.flatMap(({ command, does }) => [
      '.PP',
      ...(does === undefined ? [] : [line(does), '.br']),
      '.nf',
      `    ${line(command)}`,
      '.fi',
    ]),
    ...(flags.length === 0 ? [] : ['.SH FLAGS']),
    ...flags.flatMap(([flag, row]) => ['.TP', `.B ${line(flagUsage(flag, row))}`, line(flagText(row))]),
    '.SH SEE ALSO',
    '.BR muster (1)',
    '',
  ].join('\n');
}

function header(page: string, version: string): string {
  return `.TH ${line(page.toUpperCase())} 1 "" ${quoted(`Muster ${version}`)} ${quoted('Muster')}`;
}

/** A text as troff takes it for a text, also where it begins with a dot or an apostrophe. */
function line(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('\n', ' ')
    // Pages are read in whatever encoding the reader's system has.
    .replace(
      /[^ -~]/gu,
      (char) => `\\[u${char.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    );
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

function quoted(text: string): string {
  return `"${line(text).replaceAll('"', '\\(dq')}"`;
}
