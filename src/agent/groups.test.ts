import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { instancesOf } from '../catalog/views.ts';
import type { GroupView } from '../group/view.ts';
import { soon } from '../lib/soon.test-support.ts';
import { type Agent, startAgent } from './agent.ts';
import { type Config, type ConfigInput, configSchema } from './config/schema.ts';
import { openAgentLog } from './log.ts';

type GroupInput = NonNullable<ConfigInput['group']>[number];

let directory: string;
let agent: Agent;
const pids = new Set<number>();
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'muster-groups-'));
});
afterEach(async () => {
  await agent.stop();
  for (const pid of pids)
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended with its group.
    }
  pids.clear();
  rmSync(directory, { recursive: true, force: true });
});

const config = (...group: GroupInput[]): Config =>
  configSchema.parse({
    node: { name: 'n1', dataDir: directory },
    ports: { http: 0, dns: 0 },
    balancer: { enabled: false },
    group,
  });

/** Without checks, so that an instance is ready once it is registered. */
const web = (over: Partial<GroupInput> = {}): GroupInput => ({
  name: 'web',
  replicas: 2,
  command: ['/bin/sh', '-c', 'exec sleep 600'],
  service: 'web',
  register: { address: '127.0.0.1', tags: ['one', '$MUSTER_INSTANCE'] },
  portRange: '25000-25499',
  ...over,
});

/** What reloads will read, one after the other. */
const next: Config[] = [];

async function start(...groups: GroupInput[]): Promise<void> {
  agent = await startAgent(config(...groups), {
    log: openAgentLog({ level: 'error', format: 'json', sink: () => {} }),
    readConfig: async () => next.shift() as Config,
  });
}

function reload(...groups: GroupInput[]): Promise<unknown> {
  next.push(config(...groups));
  return agent.reload();
}

function view(name = 'web'): GroupView {
  const found = agent.groups
    .list()
    .find((group) => group.name === name)
    ?.view();
  if (found === undefined) throw new Error(`there is no group ${name}`);
  for (const { state } of found.instances) if (state.mode === 'running' && state.pid) pids.add(state.pid);
  return found;
}

const settled = (name = 'web', size = 2) =>
  soon(() => {
    const now = view(name);
    expect(now).toMatchObject({ size, ready: size, rollout: { mode: 'idle' } });
    expect(now.instances).toHaveLength(size);
    return now;
  });

/** As a program does for itself. */
const register = (id: string, port: number) =>
  fetch(`http://${agent.addresses.http[0]}/v1/agent/service/register`, {
    method: 'PUT',
    body: JSON.stringify({ ID: id, Name: 'web', Address: '127.0.0.1', Port: port }),
  });
const registered = (service = 'web') => instancesOf(agent.catalog, service).map((one) => one.service);
const pidsOf = ({ instances }: GroupView) =>
  instances.map(({ state }) => (state.mode === 'running' ? state.pid : undefined));

describe('the groups of an agent', () => {
  it('are registered as the configuration says now, by the same processes, also after a restart', async () => {
    await start(web());
    const before = await settled();
    await agent.registry.maintain('web:web-2', 'somebody looks at it');
    await reload(web({ register: { address: '127.0.0.1', tags: ['two', '$MUSTER_INSTANCE'] } }));
    await soon(() =>
      expect(registered().map(({ tags }) => tags)).toEqual([
        ['two', 'web-1'],
        ['two', 'web-2'],
      ]),
    );
    expect(pidsOf(view())).toEqual(pidsOf(before));
    expect(view().instances.map(({ health }) => health)).toEqual(['passing', 'maintenance']);
    await agent.registry.maintain('web:web-2', undefined);

    // As if an instance had been ended in the very moment in which the agent was.
    await register('web:web-7', 1);
    await agent.stop();
    await start(web({ register: { address: '127.0.0.1', tags: ['three'], meta: { a: 'b' } } }));
    expect(pidsOf(await settled())).toEqual(pidsOf(before));
    expect(registered()).toMatchObject([{ tags: ['three'], meta: { a: 'b' } }, { tags: ['three'] }]);
    expect(registered()).toHaveLength(2);

    await reload(web({ service: 'shop', register: { address: '127.0.0.1' } }));
    await soon(() => expect(registered('shop')).toHaveLength(2));
    expect(registered()).toEqual([]);
    expect(pidsOf(await settled())).toEqual(pidsOf(before));
  });

  it('leave nothing registered of a program that registers itself beside its group', async () => {
    await start(web({ replicas: 1 }));
    const { instances } = await settled('web', 1);
    await register('own', instances[0]!.port!);
    await soon(() => expect(registered()).toHaveLength(2));
    await agent.registry.maintain('own', 'somebody looks at it');
    expect(view().instances[0]!.health).toBe('maintenance');
    await agent.registry.maintain('own', undefined);
    await agent.groups.list()[0]!.scale(0);
    await soon(() => expect(view().instances).toEqual([]));
    expect(registered()).toEqual([]);
    // The next one of its name is not in the maintenance that it left in.
    await agent.groups.list()[0]!.scale(1);
    expect((await settled('web', 1)).instances[0]!.name).toBe('web-1');
  });

  it('are as many as a key of the registry wants, and stay as many while it holds no number', async () => {
    const put = (value: string) =>
      fetch(`http://${agent.addresses.http[0]}/v1/kv/jobs`, { method: 'PUT', body: value });
    await start(
      web({
        service: undefined,
        register: undefined,
        replicas: 1,
        autoscale: {
          min: 1,
          max: 6,
          interval: '1s',
          signal: [{ kind: 'metric', target: 10, key: 'jobs' }],
          target: { stabilization: '0s', initialization: '0s' },
        },
      }),
    );
    await settled('web', 1);
    await put('35');
    await settled('web', 4);
    await put('many');
    await soon(() => expect(view().decision?.reason).toContain('is not known'));
    await put('5');
    await settled('web', 1);
  });

  it('that are taken out and put in again within a moment are new ones, which outlive the agent as others do', async () => {
    const slow = web({
      command: ['/bin/sh', '-c', 'trap "sleep 0.5; exit" TERM; while :; do sleep 0.05; done'],
    });
    await start(slow);
    const before = await settled();
    await Promise.all([reload(), reload(slow)]);
    const after = await settled();
    expect(after.instances.map(({ id }) => id)).not.toEqual(before.instances.map(({ id }) => id));
    expect(registered().map(({ port }) => port)).toEqual(after.instances.map(({ port }) => port));
    await agent.stop();
    await start(slow);
    expect((await settled()).instances.map(({ id }) => id)).toEqual(after.instances.map(({ id }) => id));
    expect(pidsOf(view())).toEqual(pidsOf(after));
  });

  it('stay until those are ready that serve the same in their place, or for good when they are wanted again', async () => {
    await start(web());
    const before = pidsOf(await settled());
    const shop = web({ name: 'shop', register: undefined });
    // Who is not registered is not ready.
    await reload(shop);
    await reload(web());
    expect(pidsOf(await settled())).toEqual(before);
    await reload(shop);
    const { instances } = await soon(() => {
      expect(view('shop').instances).toHaveLength(2);
      return view('shop');
    });
    expect(registered().map(({ id }) => id)).toEqual(['web:web-1', 'web:web-2']);
    for (const { name, port } of instances) await register(name, port!);
    await soon(() => expect(registered().map(({ id }) => id)).toEqual(['shop-1', 'shop-2']));
  });

  it('go on where one that a reload brings finds no port, and that one begins once there is one', async () => {
    await start(web());
    await settled();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    await reload(
      web({ name: 'none', service: 'none', replicas: 1, portRange: `${port}-${port}` }),
      web({ register: { address: '127.0.0.1', tags: ['two'] } }),
      web({ name: 'more', service: 'more', replicas: 1 }),
    );
    await settled('more', 1);
    await soon(() => expect(registered().map(({ tags }) => tags)).toEqual([['two'], ['two']]));
    expect(view('none').instances).toEqual([]);
    taken.close();
    await settled('none', 1);
  });
});
