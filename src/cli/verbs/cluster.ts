import path from 'node:path';
import { createInterface } from 'node:readline';
import { MusterError, messageOf } from '../../errors.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { type Terminal, verb } from '../verb.ts';

export const join = verb({
  args: ['ADDRESS...'],
  examples: [{ command: 'muster join 10.0.0.2' }],
  flags: { ...CONNECTION_FLAGS, wan: { kind: 'boolean', summary: 'Servers of another datacenter.' } },
  async run({ flags, args, terminal }) {
    const { agent } = connect(flags, terminal);
    let joined = 0;
    for (const address of args) {
      try {
        await agent.join(address, { wan: flags.wan ?? false });
        joined++;
      } catch (error) {
        terminal.err(`Error joining address '${address}': ${messageOf(error)}\n`);
      }
    }
    if (joined > 0) terminal.out(`Successfully joined cluster by contacting ${joined} nodes.\n`);
    else terminal.err('Failed to join any nodes.\n');
    return joined === args.length ? 0 : 1;
  },
});

export const leave = verb({
  args: [],
  examples: [{ command: 'muster leave' }],
  flags: CONNECTION_FLAGS,
  async run({ flags, terminal }) {
    await connect(flags, terminal).agent.leave();
    terminal.out('Graceful leave complete\n');
  },
});

export const forceLeave = verb({
  args: ['NODE'],
  examples: [{ command: 'muster force-leave web-7' }],
  flags: { ...CONNECTION_FLAGS, prune: { kind: 'boolean', summary: 'Forget it altogether.' } },
  async run({ flags, args: [node = ''], terminal }) {
    await connect(flags, terminal).agent.forceLeave(node, { prune: flags.prune ?? false });
  },
});

export const raftListPeers = verb({
  args: [],
  examples: [{ command: 'muster operator raft list-peers' }],
  flags: { ...CONNECTION_FLAGS, ...JSON_FLAG },
  async run({ flags, terminal }) {
    const { Servers } = await connect(flags, terminal).operator.raftConfiguration();
    if (flags.json) {
      terminal.out(json(Servers));
      return;
    }
    const rows = Servers.map(({ Node, ID, Address, Leader, Voter, ProtocolVersion }) => [
      Node,
      ID,
      Address,
      Leader ? 'leader' : 'follower',
      String(Voter),
      ProtocolVersion,
    ]);
    terminal.out(columns([['Node', 'ID', 'Address', 'State', 'Voter', 'RaftProtocol'], ...rows]));
  },
});

export const raftRemovePeer = verb({
  args: [],
  examples: [{ command: 'muster operator raft remove-peer -address=10.0.0.3:8300' }],
  flags: {
    ...CONNECTION_FLAGS,
    address: { kind: 'string', value: 'HOST:PORT', summary: 'Its address.' },
    id: { kind: 'string', value: 'UUID', summary: 'Its node ID.' },
  },
  async run({ flags, terminal }) {
    const { address, id } = flags;
    if ((address === undefined) === (id === undefined))
      throw new MusterError('usage', 'give -address or -id of the server, one of them');
    await connect(flags, terminal).operator.removePeer({
      ...(address === undefined ? {} : { address }),
      ...(id === undefined ? {} : { id }),
    });
    terminal.out(`Removed peer with ${id === undefined ? `address "${address}"` : `id "${id}"`}\n`);
  },
});

export const recover = verb({
  about:
    'Run it where that server runs. It shows what would be given up and asks; it refuses while a majority may be there. Others join again afterwards. A server that was started after the loss waits for a majority and answers nobody: stop it, and say where its data are.',
  args: [],
  examples: [
    { command: 'muster operator recover' },
    { command: 'muster operator recover -data-dir=/var/lib/muster', does: 'the server is stopped' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    'data-dir': {
      kind: 'string',
      value: 'DIR',
      summary: 'Of a server that was stopped: it goes on alone once it is started.',
    },
    yes: { kind: 'boolean', summary: 'Do not ask.' },
  },
  async run({ flags, terminal }) {
    const directory = flags['data-dir'];
    if (directory !== undefined) return recoverStopped(directory, { isAsked: !flags.yes, terminal });
    const { operator } = connect(flags, terminal);
    const { Refused, Index, Lost } = await operator.recovery();
    if (Refused !== '') {
      terminal.err(`Refused: ${Refused}.\n`);
      return 1;
    }
    terminal.out(
      `This server has everything up to index ${Index}. What the others acknowledged beyond that is lost.\n` +
        `These servers are given up: ${Lost.join(', ') || 'none'}. They may only come back by joining again.\n`,
    );
    if (!flags.yes && !(await isAffirmed(terminal))) return 1;
    await operator.recover();
    terminal.out('This server goes on alone. Start others with -retry-join to have more again.\n');
    return 0;
  },
});

async function recoverStopped(
  directory: string,
  { isAsked, terminal }: { isAsked: boolean; terminal: Terminal },
): Promise<number> {
  const { stoppedServer } = await import('../../cluster/recovery.ts');
  const { lost, recover } = stoppedServer(path.join(directory, 'cluster'));
  terminal.out(
    `What the others acknowledged and this server never got is lost, and the very last write unless it was stopped in peace.\nThese servers are given up: ${lost.join(', ') || 'none'}. They must not be a majority that runs, and may only come back by joining again.\n`,
  );
  if (isAsked && !(await isAffirmed(terminal))) return 1;
  recover();
  terminal.out('Start this server: it goes on alone. Start others with -retry-join to have more again.\n');
  return 0;
}

async function isAffirmed(terminal: Terminal): Promise<boolean> {
  const isYes = (await answerOf(terminal, 'Type "yes" to go on: ')) === 'yes';
  if (!isYes) terminal.err('Nothing was changed.\n');
  return isYes;
}

async function answerOf(terminal: Terminal, question: string): Promise<string> {
  terminal.out(question);
  const lines = createInterface({ input: terminal.stdin });
  try {
    for await (const line of lines) return line.trim();
    return '';
  } finally {
    lines.close();
  }
}
