import type { Keyring } from '../../client/operator.ts';
import { MusterError } from '../../errors.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { verb } from '../verb.ts';

/** What is said while a key is changed, in Consul's words: scripts wait for them. */
const CHANGES = {
  install: 'Installing new gossip encryption key...',
  use: 'Changing primary gossip encryption key...',
  remove: 'Removing gossip encryption key...',
} as const;

type Change = keyof typeof CHANGES;

export const keyring = verb({
  about:
    "To exchange a key: install the new one, use it, remove the old one. Nodes with either find each other in between. Consul's flags say the same as the words.",
  args: ['[list|list-primary|install|use|remove]', '[KEY]'],
  examples: [
    { command: 'muster keyring list' },
    { command: 'muster keyring install "$(muster keygen)"', does: 'makes it valid beside the others' },
    {
      command: 'muster keyring -use "$KEY"',
      does: "with Consul's flag: links are made with it from then on",
    },
  ],
  flags: {
    list: { kind: 'boolean', summary: 'The keys, with on how many nodes each is.' },
    'list-primary': { kind: 'boolean', summary: 'Only the key that links are made with.' },
    install: { kind: 'string', value: 'KEY', summary: 'Make a key valid beside the others.' },
    use: { kind: 'string', value: 'KEY', summary: 'Make links with this key.' },
    remove: { kind: 'string', value: 'KEY', summary: 'Make a key worthless.' },
    'relay-factor': { kind: 'integer', summary: 'Taken and not needed.', hidden: true },
    'local-only': { kind: 'boolean', summary: 'Taken and not needed.', hidden: true },
    ...CONNECTION_FLAGS,
  },
  async run({ flags, args: [word, argument], terminal }) {
    const wishes = wishesOf(flags, word, argument);
    const [wish] = wishes;
    if (wish === undefined || wishes.length > 1)
      throw new MusterError(
        'usage',
        'say one thing: list, list-primary, or install, use or remove with a KEY',
      );
    const [what, key] = wish;
    const { operator } = connect(flags, terminal);
    if (what === 'list' || what === 'list-primary') {
      const which = what === 'list' ? 'Keys' : 'PrimaryKeys';
      terminal.out(`==> Gathering installed ${what === 'list' ? '' : 'primary '}encryption keys...\n`);
      for (const one of await operator.keyring()) terminal.out(listOf(one, which));
      return;
    }
    if (!Object.hasOwn(CHANGES, what) || key === undefined)
      throw new MusterError(
        'usage',
        'install, use and remove go with a KEY; list and list-primary without one',
      );
    terminal.out(`==> ${CHANGES[what as Change]}\n`);
    await operator.changeKeyring(what as Change, key);
  },
});

type Wish = readonly [what: string, key: string | undefined];

/** What was asked for, by words and by flags. */
function wishesOf(
  flags: { list?: boolean; 'list-primary'?: boolean } & { [What in Change]?: string },
  word: string | undefined,
  argument: string | undefined,
): Wish[] {
  const wishes: Wish[] = word === undefined ? [] : [[word, argument]];
  if (flags.list) wishes.push(['list', undefined]);
  if (flags['list-primary']) wishes.push(['list-primary', undefined]);
  for (const change of Object.keys(CHANGES) as Change[])
    if (flags[change] !== undefined) wishes.push([change, flags[change]]);
  return wishes;
}

function listOf(keyring: Keyring, which: 'Keys' | 'PrimaryKeys'): string {
  const lines = Object.entries(keyring[which]).map(
    ([key, nodes]) => `  ${key} [${nodes}/${keyring.NumNodes}]\n`,
  );
  return `\n${keyring.WAN ? 'WAN' : `${keyring.Datacenter} (LAN)`}:\n${lines.join('')}`;
}
