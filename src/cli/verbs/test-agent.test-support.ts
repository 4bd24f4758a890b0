import { Readable } from 'node:stream';
import { type Agent, startAgent } from '../../agent/agent.ts';
import { parseConfigText, readConfig } from '../../agent/config/read.ts';
import { openAgentLog } from '../../agent/log.ts';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

/** An agent in memory whose node is "n1", and the command line against it. */
export interface TestAgent {
  agent: Agent;
  /** A line that is split at its spaces, or words as they are. */
  muster(line: string | string[], stdin?: string, env?: Readonly<Record<string, string>>): Promise<Outcome>;
}

const BASE = '[node]\ndev = true\nname = "n1"\n[ports]\nhttp = 0\ndns = 0\n[balancer]\nenabled = false\n';

/** `more` is TOML on top of what every such agent has; `env` is what the command line finds around it besides. */
export async function startTestAgent(
  more = '',
  env: Readonly<Record<string, string>> = {},
): Promise<TestAgent> {
  const sources = [parseConfigText('test.toml', BASE), parseConfigText('more.toml', more)];
  const log = openAgentLog({ level: 'error', format: 'json', sink: () => {} });
  const agent = await startAgent(readConfig(sources), { log });
  return {
    agent,
    async muster(line, stdin = '', more = {}) {
      let [out, err] = ['', ''];
      const code = await run(verbs, typeof line === 'string' ? line.split(' ') : line, {
        out: (text) => {
          out += text;
        },
        err: (text) => {
          err += text;
        },
        stdin: Readable.from([Buffer.from(stdin)]),
        env: { CONSUL_HTTP_ADDR: agent.addresses.http[0] ?? '', ...env, ...more },
        color: false,
      });
      return { code, out, err };
    },
  };
}
