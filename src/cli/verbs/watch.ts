import type { Client, KvPair, Watch, WatchOptions } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { type Command, startCommand } from '../child.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import type { FlagValues } from '../flags.ts';
import { untilInterrupted } from '../interrupt.ts';
import { verb } from '../verb.ts';

const SUBJECT_FLAGS = {
  key: { kind: 'string', value: 'KEY', summary: 'For -type=key.' },
  prefix: { kind: 'string', value: 'PREFIX', summary: 'For -type=keyprefix.' },
  service: { kind: 'string', value: 'NAME', summary: 'For -type=service, and for -type=checks.' },
  tag: { kind: 'list', value: 'TAG', summary: 'Only instances with this tag, for -type=service.' },
  passingonly: { kind: 'boolean', summary: 'Only instances that pass, for -type=service.' },
  state: { kind: 'string', value: 'STATE', summary: 'Only checks in this state, for -type=checks.' },
  name: { kind: 'string', value: 'NAME', summary: 'Only events of this name, for -type=event.' },
} as const;

type Subject = FlagValues<typeof SUBJECT_FLAGS>;

/** What can be watched. A further kind is one line here. */
const TYPES = {
  key: ({ kv }: Client, { key }: Subject, options: WatchOptions) => kv.watch(needed(key, 'key'), options),
  keyprefix: ({ kv }: Client, { prefix }: Subject, options: WatchOptions) =>
    kv.watchList(needed(prefix, 'prefix'), options),
  services: ({ catalog }: Client, _: Subject, options: WatchOptions) => catalog.watchServices(options),
  nodes: ({ catalog }: Client, _: Subject, options: WatchOptions) => catalog.watchNodes(options),
  service: (client: Client, { service, tag, passingonly }: Subject, options: WatchOptions) =>
    client.health.watchService(needed(service, 'service'), {
      ...options,
      passing: passingonly ?? false,
      ...(tag?.[0] === undefined ? {} : { tag: tag[0] }),
    }),
  checks: ({ health }: Client, { service, state = 'any' }: Subject, options: WatchOptions) =>
    service === undefined ? health.watchState(stateOf(state), options) : health.watchChecks(service, options),
  event: ({ event }: Client, { name }: Subject, options: WatchOptions) => event.watch(name, options),
} as const satisfies Record<
  string,
  (client: Client, subject: Subject, options: WatchOptions) => Watch<unknown>
>;

type Type = keyof typeof TYPES;
const TYPE_NAMES = Object.keys(TYPES) as Type[];

export const watch = verb({
  summary: 'Watches keys, services, nodes, checks or events, and runs a command at each change.',
  about:
    'The command is told of the new view as JSON on standard input and of its index in CONSUL_INDEX; it is run at once for the first view, then again after each change. Without a command the view is printed once.',
  args: ['[COMMAND...]'],
  examples: [
    { command: 'muster watch -type=service -service=web -passingonly ./reload.sh' },
    { command: 'muster watch -type=keyprefix -prefix=config/', does: 'prints what there is' },
  ],
  runsCommand: true,
  flags: {
    ...CONNECTION_FLAGS,
    type: { kind: 'string', value: 'TYPE', choices: TYPE_NAMES, summary: 'What to watch.' },
    ...SUBJECT_FLAGS,
    shell: { kind: 'boolean', summary: 'Run the command by a shell.', default: 'true' },
  },
  run({ flags, args: command, terminal }) {
    const { type } = flags;
    if (type === undefined)
      throw new MusterError('usage', `give -type, what to watch: one of ${TYPE_NAMES.join(', ')}`);
    const client = connect(flags, terminal);
    return untilInterrupted(async (signal) => {
      let running: Command | undefined;
      const stop = () => void running?.stop();
      signal.addEventListener('abort', stop, { once: true });
      const views: Watch<unknown> = TYPES[type as Type](client, flags, {
        signal,
        ...(flags.stale ? { consistency: 'stale' as const } : {}),
        onTrouble: (error, delay) =>
          terminal.err(`${error instanceof Error ? error.message : String(error)} (again in ${delay} ms)\n`),
      });
      let runs = 0;
      for await (const view of views) {
        const json = JSON.stringify(plain(view), null, 4);
        if (command.length === 0) {
          terminal.out(`${json}\n`);
          return 0;
        }
        running = startCommand(command, {
          shell: flags.shell ?? true,
          env: { ...terminal.env, CONSUL_INDEX: String(views.index ?? ++runs) },
          input: `${json}\n`,
        });
        const code = await running.ended;
        if (code !== 0 && !signal.aborted) terminal.err(`the command ended with ${code}\n`);
      }
      return 0;
    });
  },
});

function needed(value: string | undefined, flag: string): string {
  if (value === undefined) throw new MusterError('usage', `this -type needs -${flag}`);
  return value;
}

function stateOf(text: string): 'any' | 'passing' | 'warning' | 'critical' {
  if (text === 'any' || text === 'passing' || text === 'warning' || text === 'critical') return text;
  throw new MusterError('usage', `-state: expected any, passing, warning or critical, got "${text}"`);
}

/** As the API has it: values of keys in base64, null for what is not there. */
function plain(view: unknown): unknown {
  if (view === undefined) return null;
  if (Array.isArray(view)) return view.map(plain);
  const { Value } = view as Partial<KvPair>;
  return Value instanceof Uint8Array
    ? { ...(view as KvPair), Value: Buffer.from(Value).toString('base64') }
    : view;
}
