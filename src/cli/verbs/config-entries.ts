/** Config entries on the command line. They are kept and served; the mesh that acts on most of them is not here. */
import { MusterError } from '../../errors.ts';
import { CONNECTION_FLAGS, connect, reading } from '../connect.ts';
import { bytesOf } from '../data.ts';
import { verb } from '../verb.ts';

const KIND = {
  kind: { kind: 'string', value: 'KIND', summary: 'Kind of the entry, such as service-defaults.' },
} as const;
const NAME = { name: { kind: 'string', value: 'NAME', summary: 'Name of the entry.' } } as const;

function needed(value: string | undefined, flag: 'kind' | 'name'): string {
  if (value === undefined) throw new MusterError('usage', `give -${flag}, the ${flag} of the entry`);
  return value;
}

export const configRead = verb({
  args: [],
  examples: [{ command: 'muster config read -kind service-defaults -name web' }],
  flags: { ...KIND, ...NAME, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const [kind, name] = [needed(flags.kind, 'kind'), needed(flags.name, 'name')];
    const entry = await connect(flags, terminal).config.get(kind, name, reading(flags));
    terminal.out(`${JSON.stringify(entry, null, 4)}\n`);
  },
});

export const configList = verb({
  args: [],
  examples: [{ command: 'muster config list -kind service-defaults' }],
  flags: { ...KIND, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const kind = needed(flags.kind, 'kind');
    const entries = await connect(flags, terminal).config.list(kind, reading(flags));
    terminal.out(entries.map(({ Kind, Name }) => `${Name ?? Kind}\n`).join(''));
  },
});

export const configWrite = verb({
  args: ['FILE'],
  examples: [
    { command: 'muster config write web-defaults.hcl' },
    { command: 'muster config write -', does: 'from standard input' },
  ],
  flags: {
    cas: { kind: 'boolean', summary: 'Write only if the entry was not changed since -modify-index.' },
    'modify-index': { kind: 'integer', summary: 'For -cas; 0: the entry must not exist.' },
    ...CONNECTION_FLAGS,
  },
  async run({ flags, args: [file = ''], terminal }) {
    const text = (await bytesOf(file.replace(/^@/, ''), terminal)).toString();
    const entry = await entryOf(text, file);
    const { Kind = entry.kind, Name = entry.name } = entry;
    const what = `${Kind}/${Name ?? Kind}`;
    const cas = flags.cas ? { cas: flags['modify-index'] ?? 0 } : {};
    if (await connect(flags, terminal).config.put(entry, cas)) {
      terminal.out(`Config entry written: ${what}\n`);
      return 0;
    }
    terminal.err(`Config entry not updated: ${what}\n`);
    return 1;
  },
});

/** Throws `config.invalid` with the place. */
async function entryOf(text: string, name: string): Promise<Record<string, unknown>> {
  // Loaded here, so that the other verbs start without the languages of files.
  const { parseText } = await import('../service-files.ts');
  const value = parseText(text, name, !/^\s*\{/.test(text));
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new MusterError('config.invalid', `${name}: expected an entry such as {"Kind": …, "Name": …}`);
}

export const configDelete = verb({
  args: [],
  examples: [{ command: 'muster config delete -kind service-defaults -name web' }],
  flags: { ...KIND, ...NAME, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const [kind, name] = [needed(flags.kind, 'kind'), needed(flags.name, 'name')];
    await connect(flags, terminal).config.delete(kind, name);
    terminal.out(`Config entry deleted: ${kind}/${name}\n`);
  },
});
