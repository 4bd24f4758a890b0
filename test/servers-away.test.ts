import { Resolver } from 'node:dns/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { describeCluster } from '../scripts/support/cluster.mjs';
import { type Running, until } from '../scripts/support/processes.mjs';
import { registrationOf, startBackend } from './support/backend.ts';
import { ask, getJson, put } from './support/http.ts';
import { serves, temporaryFolder } from './support/muster.ts';

type Node = Awaited<ReturnType<typeof describeCluster>>['servers'][number];
interface Check {
  Status: string;
  ServiceID: string;
}

/** What a program has to be told that asks for what only servers know; Consul's words. */
const REFUSAL = 'No known Consul servers';

let folder: string;
let remove: () => void;
let server: Node;
let agent: Node;
let running: Map<Node, Running>;

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
  running = new Map();
  onTestFailed(() => {
    for (const [{ name }, program] of running)
      process.stdout.write(`--- ${name}\n${program.output().slice(-6_000)}\n`);
  });
});
afterEach(async () => {
  await Promise.all([...running.values()].map((program) => program.kill()));
  remove();
});

/** A server with its etcd, and an agent that knows where it will be. Nothing runs yet. */
async function describeNodes(flags: string[] = []): Promise<void> {
  const { servers, clients } = await describeCluster(folder, { servers: 1, clients: 1, flags });
  [server, agent] = [servers[0] as Node, clients[0] as Node];
}

function start(node: Node): Running {
  if (running.get(node)?.running()) throw new Error(`${node.name} runs already`);
  const program = node.start();
  running.set(node, program);
  return program;
}

const url = (node: Node, path: string) => `http://${node.api}${path}`;

/** Starts the agent, and resolves when its API is open. */
async function startAgent(): Promise<Running> {
  const program = start(agent);
  await until('the API', async () => (await ask(url(agent, '/livez'))).status === 200, { program });
  return program;
}

/** Starts the server, and waits for a write through the agent. */
async function startServer(): Promise<void> {
  start(server);
  await until(
    'a write through the agent',
    async () => (await ask(url(agent, '/v1/kv/x'), { method: 'PUT', body: 'x' })).status === 200,
  );
}

const killed = (node: Node) => (running.get(node) as Running).kill();
const names = async (path: string) => Object.keys(await getJson<object>(url(agent, path))).sort();
const localStatus = async (check: string) =>
  (await getJson<Record<string, Check>>(url(agent, '/v1/agent/checks')))[check]?.Status;

/** Instances of a service on the agent's node as the server has them, with the worst of the service's own checks. */
async function catalogSays(service: string): Promise<Record<string, string>> {
  const entries = await getJson<{ Service: { ID: string }; Checks: Check[] }[]>(
    url(server, `/v1/health/service/${service}`),
  );
  return Object.fromEntries(
    entries.map(({ Service: { ID }, Checks }) => [
      ID,
      Checks.filter(({ ServiceID }) => ServiceID === ID).find(({ Status }) => Status !== 'passing')?.Status ??
        'passing',
    ]),
  );
}

const addressesOf = (name: string) => {
  const resolver = new Resolver({ tries: 1, timeout: 30_000 });
  resolver.setServers([`127.0.0.1:${agent.ports.dns}`]);
  return resolver.resolve4(name);
};

describe('an agent that is started while no server is there', () => {
  it('takes registrations and checks them, refuses what it cannot know, and comes into line when servers start', async () => {
    await describeNodes();
    const program = await startAgent();
    const backend = await startBackend('one');
    await put(url(agent, '/v1/agent/service/register'), {
      ...registrationOf(backend, 'web', '/'),
      Check: { HTTP: `http://127.0.0.1:${backend.port}/health`, Interval: '1s', Timeout: '20s' },
    });
    await put(url(agent, '/v1/agent/service/register'), { Name: 'ttl', Port: 1, Check: { TTL: '1h' } });
    await put(url(agent, '/v1/agent/check/pass/service:ttl'));
    await until('the check to pass', async () => (await localStatus('service:one')) === 'passing');
    expect(await localStatus('service:ttl')).toBe('passing');

    expect(await names('/v1/agent/services')).toEqual(['one', 'ttl']);
    expect(await getJson(url(agent, '/v1/agent/self'))).toMatchObject({ Config: { NodeName: agent.name } });
    expect(await getJson(url(agent, '/v1/agent/members'))).toMatchObject([{ Name: agent.name }]);
    expect(await getJson(url(agent, '/v1/status/leader'))).toBe('');
    expect((await ask(url(agent, '/metrics'))).text).toMatch(/^muster_cluster_leader_known 0$/m);
    for (const path of ['/readyz', '/v1/muster/ready'])
      expect((await ask(url(agent, path))).status, path).toBe(503);
    for (const path of ['/v1/kv/x', '/v1/catalog/services', '/v1/health/service/web?stale', '/v1/event/list'])
      expect(await ask(url(agent, path)), path).toMatchObject({ status: 500, text: REFUSAL });
    expect(await ask(url(agent, '/v1/kv/x'), { method: 'PUT' })).toMatchObject({
      status: 500,
      text: REFUSAL,
    });
    await expect(addressesOf('web.service.consul')).rejects.toMatchObject({ code: 'ESERVFAIL' });
    // Without routes it would say 404, which is no word of what there is.
    await expect(ask(`http://127.0.0.1:${agent.ports.proxy}/`)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await until('the log to say where it looks, and why in vain', () =>
      program.output().includes(`tried="${server.links} (connect ECONNREFUSED ${server.links})"`),
    );

    // What the configuration says by now goes for what is there, and for the rest once it is.
    const file = join(folder, 'cluster.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, service: [{ name: 'filed' }] }));
    await put(url(agent, '/v1/agent/reload'));
    expect(await names('/v1/agent/services')).toEqual(['filed', 'one', 'ttl']);

    await startServer();
    await until('the catalog to say so', async () => {
      expect(await catalogSays('web')).toEqual({ one: 'passing' });
      expect(await catalogSays('ttl')).toEqual({ ttl: 'passing' });
      return true;
    });
    await until('a request to be balanced', async () => {
      const { status, text } = await ask(`http://127.0.0.1:${agent.ports.proxy}/`);
      return status === 200 && text === 'one';
    });
    expect(await addressesOf('web.service.consul')).toEqual(['127.0.0.1']);
    await until('it to be ready', async () => (await ask(url(agent, '/readyz'))).status === 200);
    const { Services } = await getJson<{ Services: object }>(url(agent, `/v1/catalog/node/${agent.name}`));
    expect(Object.keys(Services).sort()).toEqual(['filed', 'one', 'ttl']);
    await until('all that was read again to be in force', () =>
      program
        .output()
        .includes('groups, templates, watches and what the balancer does with HTTP are in force'),
    );
    // What the dashboard shows, which began when the catalog came.
    expect((await ask(url(agent, '/metrics'))).text).toMatch(
      /^muster_service_instances\{service="web",state="passing"\} 1$/m,
    );
    expect(program.running()).toBe(true);
  });

  it('has what it had registered, in the state that it was in, and loses nothing that is acknowledged meanwhile', async () => {
    await describeNodes();
    await startAgent();
    await startServer();
    const backend = await startBackend('one');
    await put(url(agent, '/v1/agent/service/register'), {
      ...registrationOf(backend, 'web', '/'),
      // Looked at some seconds from now, and minutes after a restart.
      Check: { HTTP: `http://127.0.0.1:${backend.port}/health`, Interval: '1h', Timeout: '20s' },
    });
    const registered = { Name: 'gone', Port: 1, Check: { TTL: '1h', Status: 'passing' } };
    await put(url(agent, '/v1/agent/service/register'), registered);
    await put(url(agent, '/v1/agent/service/register'), { ...registered, Name: 'stays' });
    await put(url(agent, '/v1/agent/check/warn/service:stays'));
    await until('the catalog to have all', async () => {
      expect(await catalogSays('gone')).toEqual({ gone: 'passing' });
      expect(await catalogSays('web')).toEqual({ one: 'passing' });
      return true;
    });
    // No look after a restart is what makes it pass.
    await backend.crash();

    await killed(server);
    await killed(agent);
    await startAgent();
    expect(await ask(url(agent, '/v1/kv/x'))).toMatchObject({ status: 500, text: REFUSAL });
    expect(await names('/v1/agent/services')).toEqual(['gone', 'one', 'stays']);
    expect(await localStatus('service:stays')).toBe('warning');
    expect(await localStatus('service:one')).toBe('passing');
    await put(url(agent, '/v1/agent/service/deregister/gone'));
    await put(url(agent, '/v1/agent/check/fail/service:stays'));

    /** One after the other, until the agent is killed between two of them or in one. */
    const acknowledged: string[] = [];
    const storm = (async () => {
      for (let at = 0; ; at++) {
        await put(url(agent, '/v1/agent/service/register'), { ID: `s-${at}`, Name: 'storm', Port: at + 1 });
        acknowledged.push(`s-${at}`);
      }
    })().catch(() => {});
    await until('some to be registered', () => acknowledged.length > 20);
    await killed(agent);
    await storm;
    await startAgent();
    const all = await names('/v1/agent/services');
    expect(all).toEqual(expect.arrayContaining(['one', 'stays', ...acknowledged]));
    expect(all).not.toContain('gone');

    await startServer();
    await until('the catalog to say what is true', async () => {
      expect(await catalogSays('gone')).toEqual({});
      expect(await catalogSays('stays')).toEqual({ stays: 'critical' });
      expect(await catalogSays('web')).toEqual({ one: 'passing' });
      expect(Object.keys(await catalogSays('storm'))).toEqual(expect.arrayContaining(acknowledged));
      return true;
    });
  });

  it('waits for one when it is to take over from a process that answers from what it knows', async () => {
    await describeNodes();
    const program = await startAgent();
    await startServer();
    await until('the agent to serve', () => serves(program), { program });
    const before = program.output().length;
    await killed(server);
    const replaced = ask(url(agent, '/v1/agent/reload?process'), { method: 'PUT', timeout: 120_000 });
    const said = () => program.output().slice(before);
    await until('the new process to wait', () => said().includes('waiting for a server to follow'), {
      program,
    });
    // Each over a connection of its own: whoever listens may take it.
    for (let turn = 0; turn < 50; turn++)
      expect(await ask(url(agent, '/v1/kv/x?raw&stale'))).toMatchObject({ status: 200, text: 'x' });
    await startServer();
    expect(await replaced).toMatchObject({ status: 200, text: expect.stringMatching(/Pid/) });
    expect((await ask(url(agent, '/v1/kv/x?raw'))).text).toBe('x');
  });

  it('with access control takes no token but that for recovery, and says why', async () => {
    const recovery = '6f1b1a6e-6b0c-4d0e-9a5e-0c8a2f2e7d11';
    await describeNodes([
      `-hcl=acl { enabled = true default_policy = "allow" tokens { agent_master = "${recovery}" } }`,
    ]);
    await startAgent();
    const register = () =>
      ask(url(agent, '/v1/agent/service/register'), { method: 'PUT', body: '{"Name":"web"}' });
    const refused = { status: 500, text: `${REFUSAL}: what a token may do is known when one is reached` };
    expect(await register()).toMatchObject(refused);
    expect(await ask(url(agent, '/v1/agent/self'))).toMatchObject(refused);
    const headers = { 'X-Consul-Token': recovery };
    expect((await ask(url(agent, '/v1/agent/self'), { headers })).status).toBe(200);
    await startServer();
    expect((await register()).status).toBe(200);
    await until('the catalog to have it', async () => Object.keys(await catalogSays('web')).length === 1);
  });
});
