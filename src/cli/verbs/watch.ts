import { changedViews, STATES, SUBJECT_TYPES, watchSubject } from '../../client/subject.ts';
import { MusterError } from '../../errors.ts';
import { type Command, startCommand } from '../../lib/command.ts';
import { formatUint64, parseUint64 } from '../../lib/json-uint64.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { untilInterrupted } from '../interrupt.ts';
import { verb } from '../verb.ts';

const SUBJECT_FLAGS = {
  key: { kind: 'string', value: 'KEY', summary: 'For -type=key.' },
  prefix: { kind: 'string', value: 'PREFIX', summary: 'For -type=keyprefix.' },
  service: { kind: 'string', value: 'NAME', summary: 'For -type=service, and for -type=checks.' },
  tag: {
    kind: 'list',
    value: 'TAG',
    summary: 'Only instances with this tag, for -type=service; of several, with all of them.',
  },
  // Consul's takes a text: "-passingonly true".
  passingonly: {
    kind: 'boolean',
    mayStandApart: true,
    summary: 'Only instances that pass, for -type=service; true or false may stand behind it.',
  },
  state: {
    kind: 'string',
    value: 'STATE',
    choices: STATES,
    summary: 'Only checks in this state, for -type=checks.',
  },
  name: { kind: 'string', value: 'NAME', summary: 'Only events of this name, for -type=event.' },
} as const;

export const watch = verb({
  about:
    'The command is told of the new view as JSON on standard input and of its index in CONSUL_INDEX; it is run at once for the first view, then again after each change. Without a command the view is printed once. Ends with 1 when no agent answers at its start, or as soon as the command fails: who starts it again has the command run again. An agent that is away later is waited for.',
  args: ['[COMMAND...]'],
  examples: [
    { command: 'muster watch -type=service -service=web -passingonly ./reload.sh' },
    { command: 'muster watch -type=keyprefix -prefix=config/', does: 'prints what there is' },
  ],
  runsCommand: true,
  flags: {
    ...CONNECTION_FLAGS,
    type: { kind: 'string', value: 'TYPE', choices: SUBJECT_TYPES, summary: 'What to watch.' },
    ...SUBJECT_FLAGS,
    shell: { kind: 'boolean', summary: 'Run the command by a shell.', default: 'true' },
  },
  run({ flags, args: command, terminal }) {
    const { type } = flags;
    if (type === undefined)
      throw new MusterError('usage', `give -type, what to watch: one of ${SUBJECT_TYPES.join(', ')}`);
    const client = connect(flags, terminal);
    return untilInterrupted(async (signal) => {
      // As in Consul: a script that asks once must not wait for an agent that nobody starts.
      await client.status.leader({ signal });
      let running: Command | undefined;
      const stop = () => void running?.stop();
      signal.addEventListener('abort', stop, { once: true });
      const { key, prefix, service, tag, passingonly: passingOnly, state, name } = flags;
      const subject = { type, key, prefix, service, tag, passingOnly, state, name };
      const views = watchSubject(client, subject, {
        signal,
        ...(flags.stale ? { consistency: 'stale' as const } : {}),
        onTrouble: (error, delay) =>
          terminal.err(`${error instanceof Error ? error.message : String(error)} (again in ${delay} ms)\n`),
      });
      let runs = 0;
      for await (const view of changedViews(views, type)) {
        if (command.length === 0) {
          terminal.out(`${formatUint64(parseUint64(view, 'Flags'), 'Flags', 4)}\n`);
          return 0;
        }
        running = startCommand(command, {
          shell: flags.shell ?? true,
          env: { ...terminal.env, CONSUL_INDEX: String(views.index ?? ++runs) },
          input: `${view}\n`,
        });
        const code = await running.ended;
        if (code !== 0 && !signal.aborted) {
          terminal.err(`the command ended with ${code}\n`);
          return 1;
        }
      }
      return 0;
    });
  },
});
