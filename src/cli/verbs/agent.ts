import { MusterError } from '../../errors.ts';
import { AGENT_FLAGS, flagsAsSource, flagsWithoutEffect } from '../agent-flags.ts';
import { writePidFile } from '../pid-file.ts';
import { doorsOf, doorsText } from '../up/doors.ts';
import { verb } from '../verb.ts';

export const agent = verb({
  about:
    "Takes the flags of Consul's agent. SIGINT and SIGTERM let what is in flight finish and end it; a second signal ends it at once.",
  args: [],
  examples: [
    { command: 'muster agent -dev' },
    { command: 'muster agent -data-dir=/var/lib/muster -config-file=/etc/muster.toml', does: 'kept on disk' },
  ],
  flags: AGENT_FLAGS,
  async run({ flags, terminal }) {
    // Loaded here, so that the other verbs start without it.
    const { parseConfigText, readConfigFiles, readWritten } = await import('../../agent/config/read.ts');
    const { runAgent } = await import('../run-agent.ts');
    const read = () => {
      const files = readConfigFiles(flags['config-file'] ?? [], flags['config-format']);
      const pieces = (flags.hcl ?? []).map((text) => parseConfigText('-hcl', text, 'hcl'));
      const { config, warnings } = readWritten([...files, flagsAsSource(flags, process.cwd()), ...pieces]);
      if (!config.node.dev && config.node.dataDir === undefined)
        throw new MusterError(
          'usage',
          'say where the catalog is kept with -data-dir=DIR, or use -dev to keep it in memory',
        );
      return { config, warnings };
    };
    let removePidFile = () => {};
    try {
      return await runAgent({
        readConfig: read,
        opened({ node }) {
          removePidFile = writePidFile(node.pidFile);
        },
        started({ agent, logger, config }) {
          const idle = flagsWithoutEffect(flags);
          if (idle.length > 0) logger.warn(`accepted, without effect as yet: ${idle.join(' ')}`);
          terminal.out(`${doorsText(doorsOf(agent.addresses), { dashboard: config.api.ui })}\n`);
        },
      });
    } finally {
      removePidFile();
    }
  },
});
