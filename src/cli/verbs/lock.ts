import { takeLock, takePlace } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { startCommand } from '../../lib/command.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { untilInterrupted } from '../interrupt.ts';
import { verb } from '../verb.ts';

/** Below the prefix, as Consul has it: programs of both wait for one another. */
const KEY = '.lock';

export const lock = verb({
  about:
    'The lock is the key PREFIX/.lock. With -n several may hold it at a time, all with the same number: it is a semaphore then, with a key below PREFIX for each that waits or holds. When it is lost (the session ended, the agent was away for too long) the command is ended: SIGTERM, 5 s later SIGKILL. Exits with 1 when the lock was not had or was lost, otherwise with 0 whatever the command did, or with 2 under -child-exit-code when it failed.',
  args: ['PREFIX', 'COMMAND...'],
  examples: [
    { command: 'muster lock jobs/nightly ./backup.sh' },
    { command: 'muster lock -n 3 crawlers ./crawl.sh', does: 'at most three at a time' },
    { command: 'muster lock -try=5s -child-exit-code jobs/nightly ./backup.sh', does: 'gives up after 5 s' },
  ],
  runsCommand: true,
  flags: {
    ...CONNECTION_FLAGS,
    n: { kind: 'integer', summary: 'How many may hold it at a time.', default: '1' },
    'child-exit-code': { kind: 'boolean', summary: 'Exit with 2 when the command failed.' },
    name: { kind: 'string', value: 'TEXT', summary: 'Name of the session.' },
    'pass-stdin': { kind: 'boolean', summary: 'The command reads standard input.' },
    shell: { kind: 'boolean', summary: 'Run the command by a shell.', default: 'true' },
    'monitor-retry': {
      kind: 'integer',
      summary: 'Of no effect: a held lock outlives an agent that is away for less than 15 s.',
    },
    timeout: { kind: 'duration', summary: 'Longest wait for the lock.', default: 'none' },
    try: { kind: 'duration', summary: 'The same, for scripts that expect to fail.', default: 'none' },
    verbose: { kind: 'boolean', summary: 'Say what happens.' },
  },
  run({ flags, args: [prefix = '', ...command], terminal }) {
    const limit = flags.n ?? 1;
    if (limit < 1) throw new MusterError('usage', '-n: expected a number above 0');
    const client = connect(flags, terminal);
    const say = (text: string) => {
      if (flags.verbose) terminal.err(`${text}\n`);
    };
    const patience = flags.try ?? flags.timeout;
    const place = prefix.replace(/^\/+|\/+$/g, '');
    return untilInterrupted(async (signal) => {
      say('Attempting lock acquisition');
      const options = {
        signal,
        name: flags.name ?? `Consul lock for '${command.join(' ')}' at '${prefix}'`,
        ...(patience === undefined ? {} : { patience }),
      };
      const held =
        limit === 1
          ? await takeLock(client, `${place}/${KEY}`, options)
          : await takePlace(client, place, { ...options, limit });
      if (held === undefined) {
        terminal.err('Lock acquisition failed: somebody else holds it\n');
        return 1;
      }
      try {
        say(`Starting handler '${command.join(' ')}'`);
        const child = startCommand(command, {
          shell: flags.shell ?? true,
          env: { ...terminal.env, CONSUL_LOCK_HELD: 'true' },
          input: flags['pass-stdin'] ? undefined : '',
        });
        const stop = () => void child.stop();
        held.lost.addEventListener('abort', stop, { once: true });
        signal.addEventListener('abort', stop, { once: true });
        if (held.lost.aborted || signal.aborted) stop();
        const code = await child.ended;
        say(`Child terminated with exit code ${code}`);
        if (held.lost.aborted) {
          terminal.err('Lock lost: the command was ended\n');
          return 1;
        }
        if (signal.aborted) return 1;
        return flags['child-exit-code'] && code !== 0 ? 2 : 0;
      } finally {
        say('Cleanup: giving the lock back');
        await held.release();
      }
    });
  },
});
