import type { HealthCheck, HealthOptions, ReadOptions, ServiceEntry } from '../../client/index.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect, reading } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { verb } from '../verb.ts';

export const health = verb({
  about: 'Exits with 1 when no instance passes.',
  args: ['SERVICE'],
  examples: [
    { command: 'muster health web' },
    { command: 'muster health web -passing -json', does: 'what can be used, for a program' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    passing: { kind: 'boolean', summary: 'Only instances all of whose checks pass.' },
    tag: { kind: 'string', value: 'TAG', summary: 'Only instances with this tag.' },
  },
  async run({ flags, args: [service = ''], terminal }) {
    const options: ReadOptions & HealthOptions = { ...reading(flags), passing: flags.passing ?? false };
    if (flags.tag !== undefined) options.tag = flags.tag;
    const entries = await connect(flags, terminal).health.service(service, options);
    const passing = entries.filter((entry) => worst(entry) === 'passing').length;
    if (flags.json) {
      terminal.out(json(entries));
    } else if (entries.length === 0) {
      terminal.out(`no instance of ${service}${flags.passing ? ' is passing' : ''}\n`);
    } else {
      terminal.out(columns([['Instance', 'Node', 'Address', 'State', 'Why'], ...entries.map(row)]));
      terminal.out(`${passing} of ${entries.length} passing\n`);
    }
    return passing > 0 ? 0 : 1;
  },
});

const ORDER = ['passing', 'warning', 'critical'];

function worst({ Checks }: ServiceEntry): string {
  return Checks.reduce(
    (state, { Status }) => (ORDER.indexOf(Status) > ORDER.indexOf(state) ? Status : state),
    'passing',
  );
}

function row(entry: ServiceEntry): string[] {
  const { Node, Service, Checks } = entry;
  return [
    Service.ID,
    Node.Node,
    Service.SocketPath || formatHostPort(Service.Address || Node.Address, Service.Port ?? 0),
    worst(entry),
    Checks.filter(({ Status }) => Status !== 'passing')
      .map(reason)
      .join('; '),
  ];
}

function reason({ Name, CheckID, Output, Notes }: HealthCheck): string {
  const said = (Output || Notes).trim().split('\n', 1)[0] ?? '';
  return `${Name || CheckID}${said === '' ? '' : `: ${said.slice(0, 120)}`}`;
}
