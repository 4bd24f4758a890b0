import type { Member } from '../../client/index.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect, JSON_FLAG, json } from '../connect.ts';
import { verb } from '../verb.ts';

/** Words for `Member.Status`, in Serf's numbering. */
const STATUS = ['none', 'alive', 'leaving', 'left', 'failed'];

export const members = verb({
  summary: 'Lists the members of the cluster as the agent sees them.',
  args: [],
  examples: [{ command: 'muster members' }],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    wan: { kind: 'boolean', summary: 'Servers of all datacenters.' },
  },
  async run({ flags, terminal }) {
    const list = await connect(flags, terminal).agent.members({ wan: flags.wan ?? false });
    if (flags.json) {
      terminal.out(json(list));
      return;
    }
    const head = ['Node', 'Address', 'Status', 'Type', 'Build', 'Protocol', 'DC', 'Segment'];
    terminal.out(columns([head, ...list.sort((a, b) => (a.Name < b.Name ? -1 : 1)).map(row)]));
  },
});

function row({ Name, Addr, Port, Status, Tags, ProtocolCur }: Member): string[] {
  const isServer = Tags.role === 'consul';
  return [
    Name,
    formatHostPort(Addr, Port),
    STATUS[Status] ?? String(Status),
    isServer ? 'server' : 'client',
    // "1.10.12:0123abcd": the revision is of no interest here.
    (Tags.build ?? '').split(':')[0] || 'unknown',
    Tags.vsn ?? String(ProtocolCur),
    Tags.dc ?? '',
    Tags.segment || (isServer ? '<all>' : '<default>'),
  ];
}
