import type { Member } from '../../client/index.ts';
import { MusterError, messageOf } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { verb } from '../verb.ts';

/** Words for `Member.Status`, in Serf's numbering. */
const STATUS = ['none', 'alive', 'leaving', 'left', 'failed'];

export const members = verb({
  args: [],
  about: 'Exits with 2 when no member has one of the states that -status asks for, as in Consul.',
  examples: [
    { command: 'muster members' },
    { command: 'muster members -detailed -status "^failed$"', does: 'what is known of those that failed' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    detailed: { kind: 'boolean', summary: 'All tags of each member.' },
    status: { kind: 'string', value: 'REGEXP', summary: 'Only members whose state it fits.', default: '.*' },
    segment: { kind: 'string', value: 'NAME', summary: 'Only members of this network segment.' },
    wan: { kind: 'boolean', summary: 'Servers of all datacenters.' },
  },
  async run({ flags, terminal }) {
    const wanted = regexpOf(flags.status ?? '.*');
    const all = await connect(flags, terminal).agent.members({ wan: flags.wan ?? false });
    // The agent itself is a member.
    if (all.length === 0)
      terminal.err('no member may be seen: set CONSUL_HTTP_TOKEN to a token that may read nodes\n');
    const list = all
      .filter((one) => wanted.test(statusOf(one)))
      .filter((one) => flags.segment === undefined || one.Tags.segment === flags.segment)
      .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
    if (flags.json) terminal.out(json(list));
    else if (flags.detailed)
      terminal.out(columns([['Node', 'Address', 'Status', 'Tags'], ...list.map(detailedRow)]));
    else if (list.length > 0) {
      const head = ['Node', 'Address', 'Status', 'Type', 'Build', 'Protocol', 'DC', 'Segment'];
      terminal.out(columns([head, ...list.map(row)]));
    }
    return list.length === 0 ? 2 : 0;
  },
});

/** Throws `usage`. */
function regexpOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new MusterError('usage', `-status: ${messageOf(cause)}`, { cause });
  }
}

const statusOf = ({ Status }: Member): string => STATUS[Status] ?? String(Status);

/** Servers are in all segments. */
const segmentOf = ({ Tags }: Member): string =>
  Tags.role === 'consul' ? '<all>' : Tags.segment || '<default>';

/** By segment and then by name: servers come first. */
const orderOf = (member: Member): string => `${segmentOf(member)} ${member.Name}`;

function detailedRow(member: Member): string[] {
  const tags = Object.entries({ ...member.Tags, segment: segmentOf(member) })
    .map(([name, value]) => `${name}=${value}`)
    .sort();
  return [member.Name, formatHostPort(member.Addr, member.Port), statusOf(member), tags.join(',')];
}

function row(member: Member): string[] {
  const { Name, Addr, Port, Tags, ProtocolCur } = member;
  return [
    Name,
    formatHostPort(Addr, Port),
    statusOf(member),
    Tags.role === 'consul' ? 'server' : 'client',
    // "1.10.12:0123abcd": the revision is of no interest here.
    (Tags.build ?? '').split(':')[0] || 'unknown',
    Tags.vsn ?? String(ProtocolCur),
    Tags.dc ?? '',
    segmentOf(member),
  ];
}
