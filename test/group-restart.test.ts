import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { runs, until } from '../scripts/support/processes.mjs';
import type { GroupView } from '../src/group/view.ts';
import { ask, getJson, put } from './support/http.ts';
import {
  type ConfigFile,
  type Muster,
  musterProcess,
  onPorts,
  pickPorts,
  startMuster,
  testFolder,
  writeConfig,
} from './support/muster.ts';

/** Registers itself, as programs made for Consul do, and writes a line for each request. */
const PROGRAM = `
import { createServer } from 'node:http';
createServer((request, response) => {
  if (request.url !== '/health') console.log('asked for ' + request.url);
  response.end(String(process.pid));
}).listen(Number(process.env.PORT), '127.0.0.1');
`;

const config = (over: ConfigFile = {}): ConfigFile => ({
  node: { data_dir: 'data' },
  group: [
    {
      name: 'web',
      replicas: 3,
      command: ['node', 'web.mjs'],
      service: 'web',
      register: {
        address: '127.0.0.1',
        tags: ['urlprefix-/web'],
        check: { http: 'http://127.0.0.1:$PORT/health', interval: '200ms', timeout: '30s' },
      },
      ...over,
    },
  ],
});

/** It may end by itself at this very moment. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has.
  }
}

/** An agent that is ended and started again, on the same ports and data. */
async function machine(verb: 'agent' | 'up' = 'agent', over: ConfigFile = {}) {
  const folder = testFolder();
  writeFileSync(join(folder, 'web.mjs'), PROGRAM);
  const ports = await pickPorts();
  const seen = new Set<number>();
  let muster: Muster;
  const view = async () => {
    const now = await getJson<GroupView>(`${muster.api}/v1/muster/groups/web`);
    for (const { state } of now.instances) if (state.mode === 'running' && state.pid) seen.add(state.pid);
    return now;
  };
  const boot = async (other: ConfigFile = over) => {
    muster = await startMuster(verb, config(other), folder, ports);
    return muster;
  };
  const become = (what: string, holds: (view: GroupView) => boolean) =>
    until(what, async () => holds(await view()), { every: 50, program: muster.program });
  onTestFailed(() => {
    process.stdout.write(`--- output\n${muster?.program.output()}\n`);
  });
  onTestFinished(async () => {
    await muster?.program.kill();
    for (const pid of seen) if (runs(pid)) kill(pid);
  });
  return { boot, view, become };
}

const settled = ({ size, ready, instances }: GroupView) => instances.length === size && ready === size;
const pids = ({ instances }: GroupView) =>
  instances.map(({ state }) => (state.mode === 'running' ? (state.pid as number) : 0));

/** Not `stop` or `kill` of the test's support: those end all that it started, which is the point here. */
async function end(muster: Muster, signal: NodeJS.Signals): Promise<void> {
  process.kill(muster.program.pid, signal);
  await muster.program.exited;
}

describe('instances of an agent with a data directory', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('run on over %s and are taken over', async (signal) => {
    const { boot, view, become } = await machine();
    const first = await boot();
    await become('three to be ready', settled);
    await put(`${first.api}/v1/muster/groups/web/scale?size=4`);
    await become('four to be ready', (now) => now.size === 4 && settled(now));
    const before = await view();
    await end(first, signal);
    const [alive, dead] = [pids(before)[0]!, pids(before)[3]!];
    expect(runs(alive)).toBe(true);
    kill(dead);
    await until('it to be dead', () => !runs(dead));
    expect((await ask(`http://127.0.0.1:${before.instances[0]!.port}/while-away`)).text).toBe(String(alive));

    const second = await boot();
    await become('four to be ready again', (now) => now.size === 4 && settled(now));
    const after = await view();
    expect(after.instances.map(({ id, port }) => ({ id, port }))).toEqual(
      before.instances.map(({ id, port }) => ({ id, port })),
    );
    expect(pids(after).slice(0, 3)).toEqual(pids(before).slice(0, 3));
    expect(after.instances.map(({ restarts }) => restarts)).toEqual([0, 0, 0, 1]);
    for (const line of ['asked for /while-away', 'web-4 ended while Muster did not run'])
      await until(`"${line}"`, () => second.program.output().includes(line), { program: second.program });
    await until('the route', async () => (await ask(`${second.proxy}/web`)).status === 200, {
      program: second.program,
    });
  });

  it('are ended when the configuration has their group no more', async () => {
    const { boot, view, become } = await machine();
    const first = await boot();
    await become('three to be ready', settled);
    const before = await view();
    await end(first, 'SIGKILL');
    const second = await boot({ name: 'other' });
    await until('them to be gone', () => pids(before).every((pid) => !runs(pid)), {
      program: second.program,
    });
    await until(
      'their registrations to be gone',
      async () => {
        const services = await getJson<Record<string, { ID: string }>>(`${second.api}/v1/agent/services`);
        return Object.values(services).every(({ ID }) => ID.startsWith('other:'));
      },
      { program: second.program },
    );
    const others = await until(
      'the other group',
      async () => {
        const [other] = await getJson<GroupView[]>(`${second.api}/v1/muster/groups`);
        return other !== undefined && settled(other) && pids(other);
      },
      { program: second.program },
    );
    await end(second, 'SIGTERM');
    for (const pid of others) kill(pid);
  });

  it('keep their agent from being replaced, also those that a reload brought', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'web.mjs'), PROGRAM);
    const ports = await pickPorts();
    const muster = await startMuster('agent', { ...config(), group: [] }, folder, ports);
    onTestFinished(async () => {
      await muster.program.stop();
    });
    writeConfig(folder, onPorts(config({ on_exit: 'end' }), ports));
    await put(`${muster.api}/v1/agent/reload`);
    await until('the group', async () => {
      const [group] = await getJson<GroupView[]>(`${muster.api}/v1/muster/groups`);
      return group !== undefined && settled(group);
    });
    const replacer = musterProcess(['reload', '-process'], { CONSUL_HTTP_ADDR: muster.api });
    expect((await replacer.exited).code).toBe(1);
    await replacer.silent;
    expect(replacer.output()).toContain('an agent with groups cannot be replaced');
  });

  it.each([
    ['agent', { on_exit: 'end' }],
    ['up', {}],
  ] as const)('end with muster %s %j, also when it is killed', async (verb, over) => {
    const { boot, view, become } = await machine(verb, over);
    const first = await boot();
    await become('three to be ready', settled);
    const before = await view();
    await end(first, 'SIGKILL');
    await until('them to be gone', () => pids(before).every((pid) => !runs(pid)));
    const second = await boot();
    await become('three others', settled);
    const others = await view();
    await end(second, 'SIGTERM');
    await until('those to be gone', () => pids(others).every((pid) => !runs(pid)));
  });
});
