import type { ConfigSource } from '../../agent/config/read.ts';
import { MusterError } from '../../errors.ts';
import { JSON_FLAG, json } from '../connect.ts';
import { verb } from '../verb.ts';

/** Files, and the configuration files of directories, in the order given. */
async function sourcesOf(names: readonly string[]): Promise<ConfigSource[]> {
  const { filesOfConfigDirectory, readConfigFile } = await import('../../agent/config/read.ts');
  const { statSync } = await import('node:fs');
  return names
    .flatMap((name) =>
      statSync(name, { throwIfNoEntry: false })?.isDirectory() ? filesOfConfigDirectory(name) : [name],
    )
    .map(readConfigFile);
}

export const validate = verb({
  summary: 'Checks configuration files and stacks without starting anything.',
  about:
    'Several files are checked as the one configuration that they make together. Exits with 2 when something is wrong.',
  args: ['FILE...'],
  examples: [{ command: 'muster validate stacks/hello.toml' }],
  flags: { quiet: { kind: 'boolean', summary: 'Say nothing when all is well.' } },
  async run({ flags, args, terminal }) {
    const { readConfig } = await import('../../agent/config/read.ts');
    readConfig(await sourcesOf(args));
    if (!flags.quiet) terminal.out('Configuration is valid!\n');
  },
});

export const configPrint = verb({
  summary: 'Prints the configuration that files make together, as TOML.',
  args: ['[FILE...]'],
  examples: [
    { command: 'muster config print -effective muster.toml', does: 'with every default' },
    { command: 'muster config print muster.toml', does: 'only what is written' },
  ],
  flags: { effective: { kind: 'boolean', summary: 'Fill in every default.' }, ...JSON_FLAG },
  async run({ flags, args, terminal }) {
    if (args.length === 0 && !flags.effective)
      throw new MusterError('usage', 'name a file, or give -effective to see the defaults');
    const { readWritten } = await import('../../agent/config/read.ts');
    const { effective, written: asWritten } = await import('../../agent/config/effective.ts');
    const { configSchema } = await import('../../agent/config/schema.ts');
    const { stringify } = await import('smol-toml');
    const { written } = readWritten(await sourcesOf(args));
    const shown = (flags.effective ? effective : asWritten)(configSchema, written);
    terminal.out(flags.json ? json(shown) : `${stringify(shown)}`);
  },
});
