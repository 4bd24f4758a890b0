import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import type { GroupView } from '../src/group/view.ts';
import { ask, getJson, put } from './support/http.ts';
import { failures, Load } from './support/load.ts';
import {
  type ConfigFile,
  type Muster,
  onPorts,
  pickPorts,
  startMuster,
  testFolder,
  writeConfig,
} from './support/muster.ts';

/** A program that knows nothing of any registry and takes no notice of signals to drain: Muster does all of that. */
const PROGRAM = `
import { createServer } from 'node:http';
let sick = false;
createServer((request, response) => {
  if (request.url === '/sick') sick = true;
  if (request.url === '/health') response.statusCode = sick ? 500 : 200;
  if (request.url === '/web' && process.env.BROKEN) response.statusCode = 500;
  setTimeout(() => response.end(process.env.EDITION + ' ' + process.env.MUSTER_INSTANCE), 5);
}).listen(Number(process.env.PORT), '127.0.0.1');
`;

const group = (over: ConfigFile = {}): ConfigFile => ({
  name: 'web',
  replicas: 3,
  command: ['node', 'web.mjs'],
  service: 'web',
  env: { EDITION: 'one' },
  register: {
    address: '127.0.0.1',
    tags: ['urlprefix-/web', '$MUSTER_INSTANCE'],
    check: { http: 'http://127.0.0.1:$PORT/health', interval: '100ms', timeout: '30s' },
  },
  ...over,
});

const config = (over: ConfigFile = {}): ConfigFile => ({ node: { dev: true }, group: [group(over)] });

async function startGroup(over: ConfigFile = {}, least = 3) {
  const folder = testFolder();
  writeFileSync(join(folder, 'web.mjs'), PROGRAM);
  const ports = await pickPorts();
  const muster: Muster = await startMuster('agent', config(over), folder, ports);
  onTestFinished(async () => {
    await muster.program.stop();
  });
  onTestFailed(() => {
    process.stdout.write(`--- output of ${muster.program.name}\n${muster.program.output()}\n`);
  });
  const path = `${muster.api}/v1/muster/groups/web`;
  const view = () => getJson<GroupView>(path);
  const become = (what: string, holds: (view: GroupView) => boolean) =>
    until(what, async () => holds(await view()), { every: 50, program: muster.program });
  await become('its instances to be ready', ({ ready }) => ready >= least);
  await until('the route', async () => (await ask(`${muster.proxy}/web`)).status === 200, {
    program: muster.program,
  });
  return {
    muster,
    view,
    become,
    command: (name: string) => put(`${path}/${name}`),
    /** Writes another description of the group and has it read. */
    describe(other: ConfigFile) {
      writeConfig(folder, onPorts(config(other), ports));
      process.kill(muster.program.pid, 'SIGHUP');
    },
  };
}

const settled = ({ size, ready, instances, rollout }: GroupView) =>
  rollout.mode === 'idle' && ready === size && instances.length === size;

describe('a group in an agent', () => {
  it('grows, shrinks and rolls under load without one failed request', async () => {
    const { muster, view, become, command, describe } = await startGroup();
    const load = Load.begin(`${muster.proxy}/web`, 100);
    await command('scale?size=5');
    await become('five', (now) => now.size === 5 && settled(now));
    // What was asked for by hand stays: the number in the file is the same as before.
    describe({ env: { EDITION: 'two' } });
    await become('the second edition', (now) => now.edition === 2 && now.size === 5 && settled(now));
    await command('scale?size=1');
    await become('one', (now) => now.size === 1 && settled(now));
    const samples = await load.end();
    expect(failures(samples)).toEqual([]);
    expect(samples.length).toBeGreaterThan(50);
    expect((await ask(`${muster.proxy}/web`)).text).toMatch(/^two web-\d$/);
    const [instance] = (await view()).instances;
    const registered = await getJson<Record<string, { Tags: string[]; Port: number }>>(
      `${muster.api}/v1/agent/services`,
    );
    expect(Object.values(registered)).toEqual([
      expect.objectContaining({ Port: instance!.port, Tags: ['urlprefix-/web', instance!.name] }),
    ]);
  });

  it('takes a broken edition back by itself', async () => {
    // Slow enough for as many requests to be answered before all are new.
    const update = { min_ready: '1s', rollback: { requests: 20 } };
    const { muster, become, describe } = await startGroup({ update });
    const load = Load.begin(`${muster.proxy}/web`, 100);
    describe({ env: { EDITION: 'two', BROKEN: '1' }, update });
    await until('the rollback', () => muster.program.output().includes('back to edition 1'), {
      program: muster.program,
    });
    await become('the first edition again', (now) => now.edition === 1 && settled(now));
    await load.end();
    expect((await ask(`${muster.proxy}/web`)).text).toMatch(/^one /);
  });

  it('replaces an instance whose checks fail, while the others serve', async () => {
    const { muster, view, become } = await startGroup({
      heal: { after: '1s', initial_delay: '0s' },
    });
    const [victim] = (await view()).instances;
    const load = Load.begin(`${muster.proxy}/web`, 50);
    await ask(`http://127.0.0.1:${victim!.port}/sick`);
    await become(
      'another in its place',
      (now) => settled(now) && now.instances.every(({ id }) => id !== victim!.id),
    );
    expect(failures(await load.end())).toEqual([]);
  });

  it('follows the load with its autoscaler', async () => {
    const autoscale = {
      min: 1,
      max: 4,
      interval: '1s',
      signal: [{ kind: 'requests_per_second', target: 25 }],
      target: { stabilization: '3s', initialization: '0s' },
    };
    // On a busy machine it is made smaller before three have started.
    const { muster, view, become } = await startGroup({ autoscale }, 1);
    await become('one without load', (now) => now.size === 1 && settled(now));
    const load = Load.begin(`${muster.proxy}/web`, 90);
    await become('four under load', (now) => now.size === 4 && settled(now));
    expect((await view()).decisions[0]?.reason).toContain('requests_per_second is');
    expect(failures(await load.end())).toEqual([]);
    await become('one again', (now) => now.size === 1 && settled(now));
  });
});
