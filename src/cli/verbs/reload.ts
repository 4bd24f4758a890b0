import { MusterError, messageOf } from '../../errors.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { verb } from '../verb.ts';

export const reload = verb({
  about:
    'Services and checks of the files come into force; checks keep their state. On any fault the old one stays. With -process a new process is started, for a new version or for settings that are read at the start: it takes over all sockets, no connection is lost, and the old one ends when its clients have left. If the new one cannot serve, the old one goes on.',
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
      await agent.reload();
      terminal.out('Configuration reload triggered\n');
    }
    return 0;
  },
});

/** Throws `usage` when there is no such process, or it is somebody else's. */
function askByPid(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR2');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ESRCH' ? 'there is none' : code === 'EPERM' ? "it is another user's" : messageOf(cause);
    throw new MusterError('usage', `cannot ask process ${pid}: ${why}`, { cause });
  }
}
