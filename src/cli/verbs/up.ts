import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MusterError } from '../../errors.ts';
import { AGENT_FLAGS, flagsAsSource } from '../agent-flags.ts';
import { verb } from '../verb.ts';

/** Flags of `muster agent` that make sense for a stack too. */
const {
  dev,
  'data-dir': dataDir,
  client,
  'http-port': httpPort,
  'dns-port': dnsPort,
  'balancer-listen': balancerListen,
  'balancer-admin': balancerAdmin,
  'log-level': logLevel,
  'log-json': logJson,
} = AGENT_FLAGS;

/** Run when no stack is named and it is there. */
const DEFAULT_STACK = 'muster.toml';

export const up = verb({
  about:
    'Waits until all instances take traffic, says where to look and sends a first request through the balancer. Without STACK it runs ./muster.toml, or else the hello stack that comes with Muster, in memory unless -data-dir says where. Ctrl-C lets what is in flight finish and ends everything; a second Ctrl-C ends it at once.',
  args: ['[STACK]'],
  examples: [
    { command: 'muster up stacks/hello.toml' },
    { command: 'muster up my.toml -dev -http-port=8501', does: 'kept in memory, on another port' },
  ],
  flags: {
    dev,
    'data-dir': dataDir,
    client,
    'http-port': httpPort,
    'dns-port': dnsPort,
    'balancer-listen': balancerListen,
    'balancer-admin': balancerAdmin,
    'log-level': logLevel,
    'log-json': logJson,
  },
  async run({ flags, args: [stack], terminal }) {
    const { readConfigFile, readWritten } = await import('../../agent/config/read.ts');
    const { DEFAULT_BALANCER } = await import('../../agent/config/balancer.ts');
    const { runAgent } = await import('../run-agent.ts');
    const { linePrefixer } = await import('../up/output.ts');
    const { raise } = await import('../up/raise.ts');
    const own = stack ?? (fs.existsSync(DEFAULT_STACK) ? DEFAULT_STACK : undefined);
    const file = own ?? bundledStack();
    // Where a program is installed its users may not write.
    const chosen = own === undefined && flags['data-dir'] === undefined ? { ...flags, dev: true } : flags;
    const read = () => {
      const { config, warnings } = readWritten([readConfigFile(file), flagsAsSource(chosen, process.cwd())]);
      if (!config.node.dev && config.node.dataDir === undefined)
        throw new MusterError(
          'config.invalid',
          `${file}: say where the catalog is kept with data_dir in [node], or set dev = true (or give -dev) to keep it in memory`,
        );
      // A stack is there to take traffic: addresses of the balancer that are taken are an error, also the default ones.
      const { listen = [...DEFAULT_BALANCER.listen], admin = DEFAULT_BALANCER.admin } = config.balancer;
      // What one started in the terminal ends with it.
      const group = config.group.map((one) => ({ ...one, onExit: one.onExit ?? ('end' as const) }));
      return { config: { ...config, group, balancer: { ...config.balancer, listen, admin } }, warnings };
    };
    const { config } = read();
    const width = Math.max(0, ...config.group.map(({ name, replicas }) => `${name}-${replicas}`.length));
    const prefixed = linePrefixer(width, terminal.color);
    return runAgent({
      readConfig: read,
      started: (running) => raise(config, running, terminal),
      groupOutput: (instance, _stream, line) => terminal.out(prefixed(instance, line)),
    });
  },
});

/** Beside dist/ in the package, beside src/ in a checkout. */
function bundledStack(): string {
  for (const up of ['../stacks/hello.toml', '../../../stacks/hello.toml']) {
    const file = fileURLToPath(new URL(up, import.meta.url));
    if (fs.existsSync(file)) return file;
  }
  throw new MusterError('usage', 'STACK is missing: name the file of a stack');
}
