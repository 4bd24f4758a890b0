import type { PastCatalog, PastChange, PastChanges } from '../../api/muster/wire-history.ts';
import { MusterError } from '../../errors.ts';
import { parseDuration } from '../../lib/duration.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { many } from '../many.ts';
import { JSON_FLAG, json } from '../output.ts';
import { verb } from '../verb.ts';

export const history = verb({
  about:
    'Times are written as an index (1234), as in RFC 3339 (2026-01-31T12:00:00Z), or as how long ago (10m). The agent keeps the history in memory, up to the size of `api.history_size`.',
  args: [],
  examples: [
    { command: 'muster history -since 10m' },
    { command: 'muster history -service web', does: 'only what became of one service' },
    { command: 'muster history -at 1h', does: 'the catalog as it was an hour ago' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    at: { kind: 'string', value: 'TIME', summary: 'The catalog as it was then.' },
    since: { kind: 'string', value: 'TIME', summary: 'Changes after this.', default: 'all that is kept' },
    until: { kind: 'string', value: 'TIME', summary: 'Changes up to this.', default: 'now' },
    service: { kind: 'string', value: 'NAME', summary: 'Only this service.' },
    node: { kind: 'string', value: 'NAME', summary: 'Only this node.' },
    limit: { kind: 'integer', value: 'COUNT', summary: 'The newest so many changes.', default: '1000' },
  },
  async run({ flags, terminal }) {
    const query: Record<string, string> = {};
    for (const name of ['at', 'since', 'until', 'service', 'node', 'limit'] as const) {
      const value = flags[name];
      if (value !== undefined) query[name] = String(value);
    }
    if ((flags.limit ?? 1) < 1) throw new MusterError('usage', '-limit has to be 1 or more');
    const { value } = await connect(flags, terminal).read<PastChanges | PastCatalog>(
      '/v1/muster/history',
      {},
      query,
    );
    if (flags.json) terminal.out(json(value));
    else if ('changes' in value) terminal.out(changesText(value) + shortness(value, flags.since));
    else terminal.out(catalogText(value));
  },
});

function changesText({ changes, oldest, more }: PastChanges): string {
  if (changes.length === 0) return `Nothing changed. The history reaches back to ${oldest.time}.\n`;
  const rows = changes.map((one) => [
    one.time,
    one.index,
    one.change,
    one.what,
    one.node,
    one.id,
    one.service,
    difference(one),
  ]);
  const rest = more ? 'There are older changes: -limit shows more of them.\n' : '';
  return columns([['Time', 'Index', 'Change', 'What', 'Node', 'ID', 'Service', 'Details'], ...rows]) + rest;
}

/** That nothing is known of the time before, when somebody asks for it. */
function shortness({ oldest, changes }: PastChanges, since = ''): string {
  const age = parseDuration(since);
  const then = age === undefined ? Date.parse(since) : Date.now() - age;
  if (changes.length === 0 || !(then < Date.parse(oldest.time))) return '';
  return `The history reaches back to ${oldest.time}.\n`;
}

/** Fields that say nothing by themselves. */
const UNTOLD = new Set(['CreateIndex', 'ModifyIndex']);

/** What is another than before, in a line; of what was added its status or address. */
function difference({ before, after }: PastChange): string {
  if (before === null || after === null) {
    const row = after ?? before ?? {};
    return String(row.Status ?? (row.Port === undefined ? '' : `port ${row.Port}`));
  }
  return Object.keys({ ...before, ...after })
    .filter((name) => !UNTOLD.has(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => `${name}: ${shown(before[name])} → ${shown(after[name])}`)
    .join(', ');
}

/** Control characters come from elsewhere and must not reach the terminal: JSON escapes them. */
function shown(value: unknown): string {
  const text = value === undefined ? 'none' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function catalogText({ index, time, nodes, services, checks }: PastCatalog): string {
  const rows = services.map(({ Node, ID, Service, Address, Port = '' }) => {
    const own = checks.filter(
      (check) => check.Node === Node && (check.ServiceID === ID || check.ServiceID === ''),
    );
    const status =
      ['critical', 'warning'].find((one) => own.some((check) => check.Status === one)) ?? 'passing';
    const node = nodes.find((one) => one.Node === Node);
    return [Service, ID, Node, Address === '' ? (node?.Address ?? '') : Address, Port, status].map(String);
  });
  const head = ['Service', 'ID', 'Node', 'Address', 'Port', 'Status'];
  const counts = `${many(nodes.length, 'node')}, ${many(services.length, 'instance')}`;
  return `The catalog at index ${index}, ${time}: ${counts}\n\n${columns([head, ...rows])}`;
}
