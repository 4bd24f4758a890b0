/** docs/reference/api.md, from the table of endpoints. */
import type { Needs } from './access.ts';
import type { Endpoint } from './endpoint.ts';
import { endpoints } from './endpoints.ts';

/** What stands in the column "token". */
const NEEDS: Partial<Record<Needs, string>> = {
  nothing: '–',
  filtered: 'any; what it may not see is left out',
  checked: 'for what is named',
  overview: '`operator` read; all services, nodes and keys read',
};

const TITLES: Readonly<Record<string, string>> = {
  '': 'Probes and figures',
  acl: 'Access control',
  kv: 'Key/value store',
  muster: "Muster's own",
  txn: 'Transactions',
};

export function apiReference(): string {
  const families = new Map<string, Endpoint[]>();
  for (const row of endpoints) {
    const family = row.path.startsWith('/v1/') ? (row.path.split('/')[2] ?? '') : '';
    families.set(family, [...(families.get(family) ?? []), row]);
  }
  return [
    '# HTTP API',
    '',
    '<!-- Made from src/api/endpoints.ts by `node scripts/docs.mjs`. -->',
    '',
    "Consul's paths, parameters, headers and answers; Muster's own are below `/v1/muster`. A running agent describes itself, with the",
    'bodies of requests, as OpenAPI 3.1: `GET /v1/muster/openapi.json`.',
    '',
    '## What holds for all',
    '',
    '* The token is sent as `X-Consul-Token`, `Authorization: Bearer …` or `?token=` ([access](../guides/access.md)).',
    '* Reads of the catalog take `?index=&wait=` (at most 10 minutes) and then wait for a change; `X-Consul-Index` has the position.',
    "* `?filter=` takes Consul's expressions; `?pretty` indents; answers of more than 1.4 kB are compressed for who accepts it.",
    '* `:name` at the end of a path takes the rest of it, slashes included.',
    '* Requests of browsers that come from pages of other sites are refused unless they only read.',
    '',
    '| status | means | do |',
    '|---|---|---|',
    ...STATUSES.map((row) => `| ${row.join(' | ')} |`),
    '',
    'Refusals are sentences in plain text, in the words that clients of Consul know.',
    '',
    ...[...families]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([family, rows]) => [
        `## ${TITLES[family] ?? family.charAt(0).toUpperCase() + family.slice(1)}`,
        '',
        '| request | token | does |',
        '|---|---|---|',
        ...rows.map(line),
        '',
      ]),
  ].join('\n');
}

const STATUSES: readonly (readonly [string, string, string])[] = [
  ['400', 'a parameter or the body is wrong', 'read the sentence: it names what is'],
  ['401', 'access control is off, and this needs it', 'switch it on'],
  [
    '403',
    'the token does not grant this, or nobody knows it',
    'use another token, or give this one a policy',
  ],
  ['404', 'there is no such key, query, service or endpoint', '–'],
  ['405', 'another method is needed', 'the answer’s `Allow` names them'],
  ['409', 'a transaction was rolled back', 'read its `Errors`, then try again'],
  ['410', 'the history does not reach back that far', 'ask for a later moment'],
  ['413', 'the body is too large', '`api.kv_max_value_size`, `api.txn_max_req_len`'],
  ['429', 'the servers are not all well (`/v1/operator/autopilot/health`)', 'look at the answer'],
  [
    '500',
    'the catalog refused the change, no server leads (`No cluster leader`), or none was reached yet (`No known Consul servers`)',
    'read the sentence; without a leader or a server, try again',
  ],
  ['503', 'this process cannot do it now', 'try again, or ask another agent'],
];

function line({ method, path, summary, needs, query = {} }: Endpoint): string {
  const token = needs === undefined ? '`acl` write' : (NEEDS[needs] ?? `\`${needs.replace(':', '` ')}`);
  const parameters = Object.entries(query).map(([name, meaning]) => `\`${name}\`: ${meaning}`);
  const cells = [`\`${method} ${path}\``, token, [summary, ...parameters].join('<br>')];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
