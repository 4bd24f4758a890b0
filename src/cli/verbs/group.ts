import { MusterError } from '../../errors.ts';
import type { GroupView, ManagedInstance } from '../../group/view.ts';
import { formatDuration } from '../../lib/duration.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { type Terminal, type Verb, verb } from '../verb.ts';

const flags = { ...CONNECTION_FLAGS, ...JSON_FLAG };
const pathOf = (name: string) => `/v1/muster/groups/${encodeURIComponent(name)}`;

export const groupList = verb({
  args: [],
  examples: [{ command: 'muster group ls' }],
  flags,
  async run({ flags, terminal }) {
    const { value } = await connect(flags, terminal).read<GroupView[]>('/v1/muster/groups');
    if (flags.json) {
      terminal.out(json(value));
      return;
    }
    if (value.length === 0) {
      terminal.out('no groups: a [[group]] in the configuration makes one\n');
      return;
    }
    const rows = value.map((group) => [
      group.name,
      `${group.ready}/${group.size}`,
      group.autoscale === null
        ? '-'
        : `${group.autoscale.min}..${group.autoscale.max} ${group.autoscale.mode}`,
      String(group.edition),
      group.rollout.mode,
      group.service ?? '-',
    ]);
    terminal.out(columns([['Group', 'Ready', 'Autoscaler', 'Edition', 'Rollout', 'Service'], ...rows]));
  },
});

export const groupShow = verb({
  args: ['NAME'],
  examples: [{ command: 'muster group show hello' }],
  flags,
  async run({ flags, args: [name = ''], terminal }) {
    const { value } = await connect(flags, terminal).read<GroupView>(pathOf(name));
    show(value, flags.json, terminal);
  },
});

export const groupScale = verb({
  about:
    'An instance that goes gets no new requests, finishes those in flight and then ends. Where there is an autoscaler it holds the size to its bounds and goes on from there.',
  args: ['NAME', 'SIZE'],
  examples: [{ command: 'muster group scale hello 12' }],
  flags,
  async run({ flags, args: [name = '', size = ''], terminal }) {
    // The agent knows how many are too many.
    if (!/^\d{1,15}$/.test(size))
      throw new MusterError('usage', `SIZE: expected a whole number, got "${size}"`);
    const client = connect(flags, terminal);
    const value = await client.put<GroupView>(`${pathOf(name)}/scale`, undefined, {}, { size });
    if (value.size !== Number(size) && !flags.json)
      terminal.err(`the autoscaler holds it at ${value.size}\n`);
    show(value, flags.json, terminal);
  },
});

/** A verb that does something to the rollout of a group. */
function rolloutVerb(
  command: 'roll' | 'pause' | 'resume' | 'rollback',
  words: Pick<Verb, 'about' | 'examples'>,
) {
  return verb({
    ...words,
    args: ['NAME'],
    flags,
    async run({ flags, args: [name = ''], terminal }) {
      const value = await connect(flags, terminal).put<GroupView>(`${pathOf(name)}/${command}`);
      show(value, flags.json, terminal);
    },
  });
}

export const groupRoll = rolloutVerb('roll', {
  about:
    'As `[group.update]` says: a new instance is ready before an old one goes, and it is taken back when the new ones answer with more errors. A reload with another description of the group does the same with that.',
  examples: [{ command: 'muster group roll hello' }],
});
export const groupPause = rolloutVerb('pause', {
  examples: [{ command: 'muster group pause hello' }],
});
export const groupResume = rolloutVerb('resume', {
  examples: [{ command: 'muster group resume hello' }],
});
export const groupRollBack = rolloutVerb('rollback', {
  examples: [{ command: 'muster group rollback hello' }],
});

function show(group: GroupView, asJson: boolean | undefined, terminal: Terminal): void {
  if (asJson) {
    terminal.out(json(group));
    return;
  }
  const { rollout, decision, held } = group;
  const facts = [
    ['Size', `${group.size}, ${group.ready} ready`],
    ['Rollout', `${rollout.mode}${'reason' in rollout ? `: ${rollout.reason}` : ''}`],
    ['Edition', String(group.edition)],
    ...(group.controller === undefined
      ? []
      : [
          ['Looked after by', group.controller || 'no node at present'],
          ['Nodes', group.nodes?.join(', ') ?? ''],
        ]),
  ];
  if (decision !== null) facts.push(['Autoscaler', `${decision.recommended}: ${decision.reason}`]);
  if (held !== '') facts.push(['Healing', held]);
  terminal.out(`${columns(facts)}\n`);
  const now = Date.now();
  const nodeColumn = (cell: string) => (group.controller === undefined ? [] : [cell]);
  terminal.out(
    columns([
      ['Instance', ...nodeColumn('Node'), 'State', 'Since', 'Health', 'Edition', 'Restarts', 'Ports'],
      ...group.instances.map((instance) => [
        instance.name,
        ...nodeColumn(instance.node ?? ''),
        instance.leaving ? 'leaving' : instance.state.mode,
        formatDuration(Math.max(0, Math.round((now - instance.state.since) / 1000) * 1000)),
        instance.health ?? '-',
        String(instance.edition),
        String(instance.restarts),
        portsText(instance),
      ]),
    ]),
  );
}

function portsText({ ports }: ManagedInstance): string {
  return Object.entries(ports)
    .map(([label, port]) => `${label} ${port}`)
    .join(', ');
}
