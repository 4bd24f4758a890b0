import type { Config } from '../../agent/config/schema.ts';
import type { RouteView } from '../../api/muster/wire.ts';
import type { Client } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { contentOf, statIfSeen } from '../../lib/content-of.ts';
import { CONFIG_FORMAT } from '../agent-flags.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { routeDifference } from '../route-difference.ts';
import { type Terminal, verb } from '../verb.ts';

export const validate = verb({
  about:
    "Files of Muster's or of Consul's agent, or directories of them, checked as the one configuration that they make together; files of fabio's settings (`*.properties`) and of gobetween's, each by itself. Files that they name are looked for too, so it is meant for the machine of the agent. What has no effect is said on standard error. Exits with 2 when something is wrong.",
  args: ['FILE...'],
  examples: [
    { command: 'muster validate stacks/hello.toml' },
    { command: 'muster validate /etc/consul.d', does: "Consul's files as they are" },
    { command: 'muster validate fabio.properties', does: 'with the line of each value that is wrong' },
    { command: 'muster validate gobetween.toml' },
    {
      command: 'muster validate -diff muster.toml',
      does: 'and which routes of the running agent it would change',
    },
  ],
  flags: {
    quiet: { kind: 'boolean', summary: 'Say nothing when all is well.' },
    'config-format': CONFIG_FORMAT,
    diff: {
      kind: 'boolean',
      summary:
        "Ask the running agent for its routes and instances, and say which routes would be others with these files. Services that only the agent's present files have are taken to stay.",
    },
    ...CONNECTION_FLAGS,
  },
  async run({ flags, args, terminal }) {
    const settings = args.filter((file) => file.endsWith('.properties'));
    const others = args.filter((file) => !settings.includes(file));
    const gobetween = await gobetweenFiles(others);
    const files = others.filter((path) => !gobetween.some((file) => file.path === path));
    if (flags.diff && files.length === 0)
      throw new MusterError(
        'usage',
        "-diff compares the files of an agent with what it does now; those of fabio's settings and of gobetween are no agent's",
      );
    for (const file of settings) await validateSettings(file, terminal);
    for (const { check } of gobetween) for (const warning of check()) terminal.err(`${warning}\n`);
    const { readConfigFiles, readWritten } = await import('../../agent/config/read.ts');
    const { remarksOn } = await import('../../agent/config/surroundings.ts');
    const { config, warnings, place } = readWritten(readConfigFiles(files, flags['config-format']));
    for (const warning of warnings) terminal.err(`${warning}\n`);
    const remarks = remarksOn(config).map(({ path, message, isFault }) => ({
      text: `${place(path)}: ${message}`,
      isFault,
    }));
    for (const { text, isFault } of remarks) if (!isFault) terminal.err(`${text}\n`);
    const faults = remarks.filter(({ isFault }) => isFault).map(({ text }) => text);
    if (faults.length > 0) throw new MusterError('config.invalid', faults.join('\n'));
    if (!flags.quiet) terminal.out('Configuration is valid!\n');
    if (flags.diff) await showDifference(config, connect(flags, terminal), terminal);
  },
});

/** Which routes would be others. Throws `client.*`. */
async function showDifference(config: Config, agent: Client, terminal: Terminal): Promise<void> {
  const { plannedRoutes } = await import('../../agent/planned-routes.ts');
  const { registryInstances } = await import('../../discovery/registry.ts');
  const { value: before } = await agent.read<RouteView[]>('/v1/muster/routes');
  const { Config: self, Member } = await agent.agent.self();
  const instances = await registryInstances({ client: agent, tagPrefix: config.balancer.tagPrefix });
  const node = { name: self.NodeName, address: Member.Addr };
  const { routes, problems } = plannedRoutes(config, instances, node);
  for (const problem of problems) terminal.err(`${problem}\n`);
  const lines = routeDifference(before, routes);
  terminal.out(lines.length === 0 ? 'No route would change\n' : `${lines.join('\n')}\n`);
}

/** Those of the files that are gobetween's, each with what checks it. */
async function gobetweenFiles(paths: readonly string[]) {
  const { checkText, gobetweenFormat } = await import('../../agent/gobetween/check.ts');
  return paths.flatMap((path) => {
    if (!statIfSeen(path)?.isFile()) return [];
    const text = contentOf(path);
    const format = gobetweenFormat(path, text);
    return format === undefined ? [] : [{ path, check: () => checkText(path, text, format) }];
  });
}

export const configPrint = verb({
  args: ['[FILE...]'],
  examples: [
    { command: 'muster config print -effective muster.toml', does: 'with every default' },
    { command: 'muster config print muster.toml', does: 'only what is written' },
    { command: 'muster config print /etc/consul.d', does: "Consul's files in Muster's words" },
  ],
  flags: { effective: { kind: 'boolean', summary: 'Fill in every default.' }, ...JSON_FLAG },
  async run({ flags, args, terminal }) {
    if (args.length === 0 && !flags.effective)
      throw new MusterError('usage', 'name a file, or give -effective to see the defaults');
    const { readConfigFiles, readWritten } = await import('../../agent/config/read.ts');
    const { effective, written: asWritten } = await import('../../agent/config/effective.ts');
    const { configSchema } = await import('../../agent/config/schema.ts');
    const { stringify } = await import('smol-toml');
    const { written } = readWritten(readConfigFiles(args));
    const shown = (flags.effective ? effective : asWritten)(configSchema, written);
    terminal.out(flags.json ? json(shown) : `${stringify(shown)}`);
  },
});

/** fabio's settings; throws `config.invalid` when a value is wrong. */
async function validateSettings(file: string, terminal: Terminal): Promise<void> {
  const { validateFabio } = await import('../../agent/fabio/validate.ts');
  const { loadSettings } = await import('../../agent/fabio/read.ts');
  const problems = validateFabio({ flags: {}, env: terminal.env, file: await loadSettings(file) });
  for (const { place, message } of problems) terminal.err(`${file}: ${place}: ${message}\n`);
  const wrong = problems.filter(({ isWrong }) => isWrong);
  if (wrong.length > 0)
    throw new MusterError('config.invalid', `${file}: ${wrong.length} value(s) are wrong, see above`);
}
