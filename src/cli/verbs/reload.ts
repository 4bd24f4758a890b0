import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { MusterError, messageOf } from '../../errors.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { verb } from '../verb.ts';

export const reload = verb({
  about:
    'Services and checks of the files come into force; checks keep their state. On any fault the old one stays. Settings that were changed and are read at the start only are named. With -process a new process is started, for a new version or for settings that are read at the start: it takes over all sockets, no connection is lost, and the old one ends when its clients have left. If the new one cannot serve, the old one goes on.',
  args: [],
  examples: [
    { command: 'muster reload' },
    { command: 'muster reload -process', does: 'a new process takes over, e.g. after an upgrade' },
    {
      command: 'muster reload -process -pid $(pgrep -o -f "muster lb")',
      does: 'for a balancer without an agent',
    },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    process: { kind: 'boolean', summary: 'Replace the process.' },
    pid: {
      kind: 'integer',
      value: 'PID',
      summary: 'With -process: ask this process, by SIGUSR2; its log says how it went.',
    },
  },
  async run({ flags, terminal }) {
    const { agent } = connect(flags, terminal);
    if (flags.pid !== undefined) {
      if (!flags.process)
        throw new MusterError(
          'usage',
          '-pid goes with -process; an agent and muster dns read their configuration again on SIGHUP (kill -HUP)',
        );
      askByPid(flags.pid);
      terminal.out(`Process ${flags.pid} was asked to let another one take over; its log says how it goes\n`);
    } else if (flags.process) terminal.out(`Process ${await agent.replace()} serves now\n`);
    else {
      const waiting = await agent.reload();
      terminal.out('Configuration reload triggered\n');
      if (waiting.length > 0)
        terminal.err(
          `Changed, but not in force before \`muster reload -process\` or a restart: ${waiting.join(', ')}\n`,
        );
    }
    return 0;
  },
});

const REPLACE_SIGNAL = 'SIGUSR2';

/** Throws `usage` when there is no such process, it is somebody else's, or the signal would end it. */
function askByPid(pid: number): void {
  // 0 and below are whole groups of processes.
  if (pid < 1) throw new MusterError('usage', `-pid: expected the id of a process, got ${pid}`);
  if (catches(pid) === false)
    throw new MusterError(
      'usage',
      `process ${pid} does not listen to ${REPLACE_SIGNAL}, which would end it: it is no muster agent, lb or dns`,
    );
  try {
    process.kill(pid, REPLACE_SIGNAL);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ESRCH' ? 'there is none' : code === 'EPERM' ? "it is another user's" : messageOf(cause);
    throw new MusterError('usage', `cannot ask process ${pid}: ${why}`, { cause });
  }
}

/** Whether the process listens to the signal (proc(5), SigCgt); undefined where nobody can tell. */
function catches(pid: number): boolean | undefined {
  const path = `/proc/${pid}/status`;
  const [, caught] =
    (existsSync(path) && /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(path, 'latin1'))) || [];
  if (caught === undefined) return undefined;
  return ((BigInt(`0x${caught}`) >> BigInt(constants.signals[REPLACE_SIGNAL] - 1)) & 1n) === 1n;
}
