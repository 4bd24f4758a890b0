import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Client } from '../../client/index.ts';
import { fileTrouble, MusterError, messageOf } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { type TarFile, writeTar } from '../../lib/tar.ts';
import { VERSION } from '../../version.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { scrub, scrubText } from '../scrub.ts';
import { verb } from '../verb.ts';

/** What is asked of the agent, by the name of its file in the bundle. */
const QUESTIONS = {
  'self.json': '/v1/agent/self',
  'host.json': '/v1/agent/host',
  'members.json': '/v1/agent/members',
  'raft.json': '/v1/operator/raft/configuration',
  'health.json': '/v1/operator/autopilot/health',
  'ready.json': '/v1/muster/ready',
  'overview.json': '/v1/muster/overview',
  'routes.json': '/v1/muster/routes',
  'groups.json': '/v1/muster/groups',
  'connections.json': '/v1/muster/connections',
  'changes.json': '/v1/muster/changes',
  'history.json': '/v1/muster/history',
  'latency.json': '/v1/muster/latency',
} as const;

const DEFAULT_DURATION = 10_000;

export const debug = verb({
  about:
    'Keys of the key/value store, tokens, header fields of checks and whatever else is called a secret stay out, and values that look like one are replaced by "…". Read it before you give it away all the same: names of services and addresses are in it.',
  args: [],
  examples: [
    { command: 'muster debug', does: 'muster-debug-NODE-TIME.tar.gz in this directory' },
    { command: 'muster debug -duration 1m -output /tmp/muster.tar.gz', does: 'with a minute of the log' },
  ],
  flags: {
    duration: {
      kind: 'duration',
      summary: 'How long the log is followed; figures are taken before and after it.',
      default: '10s',
    },
    output: { kind: 'string', value: 'FILE', summary: 'Where to write.' },
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    const duration = flags.duration ?? DEFAULT_DURATION;
    const client = connect(flags, terminal);
    // Without an agent that answers there is nothing to pack: said at once.
    const { Config } = await client.agent.self();
    const failures: string[] = [];
    const files: TarFile[] = [];
    const add = (name: string, text: string) => files.push({ name, content: Buffer.from(text) });
    const ask = async (name: string, path: string) => {
      try {
        add(name, await asked(client, path, name.endsWith('.json')));
      } catch (error) {
        failures.push(`${name}: ${messageOf(error)}`);
      }
    };
    for (const [name, path] of Object.entries(QUESTIONS)) await ask(name, path);
    await ask('metrics-before.prom', '/metrics');
    terminal.err(`Following the log for ${formatDuration(duration)} …\n`);
    add('log.txt', await log(client, duration, failures));
    await ask('metrics-after.prom', '/metrics');
    const now = new Date();
    const about = {
      tool: VERSION,
      node: Config.NodeName,
      agent: Config.Version,
      time: now.toISOString(),
      failures,
    };
    files.unshift({ name: 'about.json', content: Buffer.from(`${JSON.stringify(about, null, 2)}\n`) });
    const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14);
    const path = flags.output ?? `muster-debug-${Config.NodeName.replace(/[^\w.-]/g, '_')}-${stamp}.tar.gz`;
    try {
      writeFileSync(path, gzipSync(writeTar(files, now.getTime() / 1000)), { mode: 0o600 });
    } catch (cause) {
      throw new MusterError('config.unreadable', `cannot write ${path}: ${fileTrouble(cause)}`, { cause });
    }
    for (const failure of failures) terminal.err(`left out: ${failure}\n`);
    terminal.out(`${path}\n`);
  },
});

async function asked(client: Client, path: string, isJson: boolean): Promise<string> {
  const { bytes } = await client.send({ path });
  const text = new TextDecoder().decode(bytes);
  return isJson ? `${JSON.stringify(scrub(JSON.parse(text)), null, 2)}\n` : text;
}

/** The log from now on, whatever its level. What cannot be read is said in `failures`. */
async function log(client: Client, duration: number, failures: string[]): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    const signal = AbortSignal.timeout(duration);
    for await (const piece of client.agent.monitor({ signal, level: 'debug' }))
      text += decoder.decode(piece, { stream: true });
  } catch (error) {
    failures.push(`log.txt: ${messageOf(error)}`);
  }
  return scrubText(text);
}
