import type { AutopilotConfiguration, AutopilotServer, AutopilotState } from '../../client/index.ts';
import { formatDuration } from '../../lib/duration.ts';
import { CONNECTION_FLAGS, connect, reading } from '../connect.ts';
import { OUTPUT_FLAGS, show } from '../output.ts';
import { verb } from '../verb.ts';

const WITHOUT_EFFECT =
  "It is kept for programs that read and write it: Muster's servers look after themselves, whatever it says.";

export const autopilotGet = verb({
  about: WITHOUT_EFFECT,
  args: [],
  examples: [{ command: 'muster operator autopilot get-config' }],
  flags: CONNECTION_FLAGS,
  async run({ flags, terminal }) {
    const {
      CreateIndex: _c,
      ModifyIndex: _m,
      ...settings
    } = await connect(flags, terminal).operator.autopilotConfiguration(reading(flags));
    // Tags are quoted, durations are not: as Consul prints them.
    for (const [name, value] of Object.entries(settings))
      terminal.out(`${name} = ${name.endsWith('Tag') ? JSON.stringify(value) : value}\n`);
  },
});

const SETTINGS = {
  'cleanup-dead-servers': {
    kind: 'string',
    choices: ['true', 'false'],
    summary: 'Whether servers that are gone are removed when new ones come.',
  },
  'max-trailing-logs': { kind: 'integer', summary: 'How far a server may be behind.' },
  'min-quorum': { kind: 'integer', summary: 'Servers that are never removed from.' },
  'last-contact-threshold': { kind: 'duration', summary: 'How long a server may be without its leader.' },
  'server-stabilization-time': { kind: 'duration', summary: 'How long a new server has to be well.' },
  'redundancy-zone-tag': { kind: 'string', summary: "Of Consul's enterprise edition." },
  'disable-upgrade-migration': {
    kind: 'string',
    choices: ['true', 'false'],
    summary: "Of Consul's enterprise edition.",
  },
  'upgrade-version-tag': { kind: 'string', summary: "Of Consul's enterprise edition." },
} as const;

/** The settings by their flags. */
const NAMES = {
  'cleanup-dead-servers': 'CleanupDeadServers',
  'max-trailing-logs': 'MaxTrailingLogs',
  'min-quorum': 'MinQuorum',
  'last-contact-threshold': 'LastContactThreshold',
  'server-stabilization-time': 'ServerStabilizationTime',
  'redundancy-zone-tag': 'RedundancyZoneTag',
  'disable-upgrade-migration': 'DisableUpgradeMigration',
  'upgrade-version-tag': 'UpgradeVersionTag',
} as const satisfies Record<keyof typeof SETTINGS, keyof AutopilotConfiguration>;

export const autopilotSet = verb({
  about: WITHOUT_EFFECT,
  args: [],
  examples: [{ command: 'muster operator autopilot set-config -cleanup-dead-servers=false' }],
  flags: { ...SETTINGS, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const { operator } = connect(flags, terminal);
    const known = await operator.autopilotConfiguration();
    const given: Record<string, unknown> = {};
    for (const [flag, name] of Object.entries(NAMES) as [
      keyof typeof NAMES,
      keyof AutopilotConfiguration,
    ][]) {
      const value = flags[flag];
      if (value === undefined) continue;
      if (typeof known[name] === 'boolean') given[name] = value === 'true';
      else if (SETTINGS[flag].kind === 'duration') given[name] = formatDuration(Number(value));
      else given[name] = value;
    }
    if (await operator.setAutopilotConfiguration({ ...known, ...given })) {
      terminal.out('Configuration updated!\n');
      return 0;
    }
    terminal.err('Configuration could not be atomically updated, please try again\n');
    return 1;
  },
});

export const autopilotState = verb({
  args: [],
  examples: [{ command: 'muster operator autopilot state' }],
  flags: { ...OUTPUT_FLAGS, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    show(terminal, flags, await connect(flags, terminal).operator.autopilotState(reading(flags)), stateText);
  },
});

function stateText(state: AutopilotState): string {
  const servers = Object.entries(state.Servers).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `Healthy:                      ${state.Healthy}\n`,
    `Failure Tolerance:            ${state.FailureTolerance}\n`,
    `Optimistic Failure Tolerance: ${state.OptimisticFailureTolerance}\n`,
    `Leader:                       ${state.Leader}\n`,
    'Voters:\n',
    ...state.Voters.map((id) => `   ${id}\n`),
    'Servers:\n',
    ...servers.map(([, server]) => serverText(server)),
  ].join('');
}

function serverText(server: AutopilotServer): string {
  const rows: [string, unknown][] = [
    ['Name', server.Name],
    ['Address', server.Address],
    ['Version', server.Version],
    ['Status', server.Status],
    ['Node Type', server.NodeType],
    ['Node Status', server.NodeStatus],
    ['Healthy', server.Healthy],
    ['Last Contact', server.LastContact],
    ['Last Term', server.LastTerm],
    ['Last Index', server.LastIndex],
    ...(server.ReadReplica ? [['Read Replica', true] satisfies [string, unknown]] : []),
  ];
  const meta = Object.entries(server.Meta ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `   ${server.ID}\n`,
    ...rows.map(([label, value]) => `      ${`${label}:`.padEnd(17)}${value}\n`),
    ...(meta.length === 0 ? [] : ['      Meta\n']),
    ...meta.map(([name, value]) => `         ${JSON.stringify(name)}: ${JSON.stringify(value)}\n`),
  ].join('');
}
