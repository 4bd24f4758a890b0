import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { soon } from '../lib/soon.test-support.ts';
import { type Agent, startAgent } from './agent.ts';
import { type Config, type ConfigInput, configSchema } from './config/schema.ts';
import { openAgentLog } from './log.ts';

let directory: string;
let agent: Agent | undefined;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'muster-agent-'));
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** Without the balancer: its workers run from the built program, which the end-to-end tests start. */
function config(input: ConfigInput = {}): Config {
  return configSchema.parse({
    ...input,
    node: { name: 'n1', dataDir: directory, ...input.node },
    ports: { http: 0, dns: 0, ...input.ports },
    balancer: { enabled: false },
  });
}

const quiet = { log: openAgentLog({ level: 'error', format: 'json', sink: () => {} }) };
async function get(from: Agent, where: string): Promise<object> {
  const answer = await fetch(`http://${from.addresses.http[0]}${where}`);
  return (await answer.json()) as object;
}

describe('an agent', () => {
  it('keeps its identity, what was registered and what was written over a restart', async () => {
    agent = await startAgent(config(), quiet);
    const { id } = agent.node;
    const base = `http://${agent.addresses.http[0]}`;
    await fetch(`${base}/v1/kv/a`, { method: 'PUT', body: 'x' });
    await fetch(`${base}/v1/agent/service/register`, { method: 'PUT', body: '{"Name":"web","Port":80}' });
    await agent.stop();
    agent = await startAgent(config(), quiet);
    expect(agent.node.id).toBe(id);
    expect(await get(agent, '/v1/kv/a')).toMatchObject([{ Key: 'a' }]);
    expect(await get(agent, '/v1/agent/services')).toHaveProperty('web');
    expect(await get(agent, '/v1/catalog/service/web')).toHaveLength(1);
  });

  it('a reload puts the services of the new configuration in force, and keeps the old ones on an error', async () => {
    let next: () => Config = () => config({ service: [{ name: 'two' }] });
    agent = await startAgent(config({ service: [{ name: 'one' }] }), {
      ...quiet,
      readConfig: async () => next(),
    });
    expect(Object.keys(await get(agent, '/v1/agent/services'))).toEqual(['one']);
    await agent.reload();
    expect(Object.keys(await get(agent, '/v1/agent/services'))).toEqual(['two']);
    next = () => {
      throw new Error('broken');
    };
    await expect(agent.reload()).rejects.toThrow('broken');
    expect(Object.keys(await get(agent, '/v1/agent/services'))).toEqual(['two']);
  });

  it('a reload puts the metadata of the node and the log level in force', async () => {
    const lines: string[] = [];
    const log = openAgentLog({
      level: 'error',
      format: 'json',
      sink: ({ message }) => void lines.push(message),
    });
    const of = (level: 'info' | 'error', meta: Record<string, string>) =>
      config({ log: { level }, node: { meta } });
    const answers = [of('info', { rack: '2' }), of('error', {})];
    agent = await startAgent(of('error', { rack: '1', row: 'a' }), {
      log,
      readConfig: async () => answers.shift() as Config,
    });
    const said = async (): Promise<[unknown, unknown]> => {
      const { Meta } = (await get(agent as Agent, '/v1/agent/self')) as { Meta: unknown };
      const [node] = (await get(agent as Agent, '/v1/catalog/nodes')) as { Meta: unknown }[];
      return [Meta, node?.Meta];
    };
    const rack2 = { 'consul-network-segment': '', rack: '2' };
    await agent.reload();
    expect(await said()).toEqual([rack2, rack2]);
    expect(lines).toEqual([expect.stringContaining('the configuration was read again')]);
    await agent.reload();
    const none = { 'consul-network-segment': '' };
    expect(await said()).toEqual([none, none]);
    expect(lines).toHaveLength(1);
  });

  it('a reload names what it cannot put in force: it said that all was well', async () => {
    const lines: string[] = [];
    const log = openAgentLog({
      level: 'warn',
      format: 'json',
      sink: ({ message }) => void lines.push(message),
    });
    const changed = config({ service: [{ name: 'two' }], node: { meta: { rack: '2' } } });
    const { balancer } = changed;
    const listen = ['127.0.0.1:81'];
    const answers: Config[] = [
      changed,
      {
        ...changed,
        balancer: { ...balancer, listen, noRoute: { status: 421 } },
        ports: { ...changed.ports, dns: 53 },
      },
      changed,
    ];
    agent = await startAgent(config(), { log, readConfig: async () => answers.shift() as Config });
    expect(await agent.reload()).toEqual([]);
    expect(lines.join()).not.toContain('not in force');
    expect(await agent.reload()).toEqual(['ports.dns', 'balancer.listen']);
    expect(lines.join()).toMatch(
      /not in force before `muster reload -process` .*: ports\.dns, balancer\.listen$/,
    );
    // Taken back.
    expect(await agent.reload()).toEqual([]);
  });

  it('of two reloads at a time what was read last is in force', async () => {
    let read = () => {};
    const slow = new Promise<void>((resolve) => {
      read = resolve;
    });
    const answers = [
      slow.then(() => config({ service: [{ name: 'two' }] })),
      config({ service: [{ name: 'three' }] }),
    ];
    agent = await startAgent(config(), { ...quiet, readConfig: async () => answers.shift() as Config });
    const both = [agent.reload(), agent.reload()];
    read();
    await Promise.all(both);
    expect(Object.keys(await get(agent, '/v1/agent/services'))).toEqual(['three']);
  });

  it('a reload may bring the first templates', async () => {
    const destination = path.join(directory, 'out');
    agent = await startAgent(config(), {
      ...quiet,
      readConfig: async () => config({ template: [{ contents: '{{ key "a" }}', destination }] }),
    });
    await agent.reload();
    await fetch(`http://${agent.addresses.http[0]}/v1/kv/a`, { method: 'PUT', body: 'x' });
    await soon(() => expect(readFileSync(destination, 'utf8')).toBe('x'));
  });

  it('a port in use is a clear error that leaves nothing running', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(startAgent(config({ ports: { http: port } }), quiet)).rejects.toMatchObject({
      code: 'listen.in_use',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    await new Promise((resolve) => taken.close(resolve));
    // The data directory is free again: a second start on it works.
    agent = await startAgent(config(), quiet);
  });

  it('stops twice without harm, and ends blocked queries', async () => {
    agent = await startAgent(config(), quiet);
    const index = agent.catalog.index;
    const blocked = fetch(`http://${agent.addresses.http[0]}/v1/catalog/nodes?index=${index + 100}&wait=60s`);
    const ended = blocked.then(
      () => true,
      () => true,
    );
    await agent.stop();
    await agent.stop();
    expect(await ended).toBe(true);
  });
});
