import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { missingForEngine, TEST_IMAGE, TestEngine } from '../docker/engine.test-support.ts';
import { messageOf } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { createLogger, silentLogger } from '../lib/log.ts';
import { openEnvironment } from '../store/environment.ts';
import { GroupController } from './controller.ts';
import { groupDiskIn } from './disk.ts';
import { removeStrangers } from './docker.ts';
import { OutputFolder } from './output-files.ts';
import type { ManagedSpec } from './spec.ts';
import type { Surroundings } from './surroundings.ts';
import type { GroupView } from './view.ts';
import { UPDATE } from './world.test-support.ts';

const NETWORK = 'muster-group-net';

let engine: TestEngine;
let trouble =
  missingForEngine.length > 0
    ? `containers of groups are not tested: needs ${missingForEngine.join(', ')}`
    : undefined;

beforeAll(async () => {
  if (trouble !== undefined) return;
  try {
    engine = await TestEngine.start();
    await engine.call('POST', '/networks/create', { Name: NETWORK });
  } catch (error) {
    trouble = `containers of groups are not tested: the engine cannot run here: ${messageOf(error)}`;
  }
  if (trouble !== undefined) console.warn(trouble);
}, 60_000);
afterAll(() => engine?.close());

const skipIfTrouble = ({ skip }: TestContext) => skip(trouble !== undefined, trouble);

/** Says who it is at its port, and writes a line for each that asks; ends on SIGTERM. */
const PROGRAM =
  'trap "echo bye; exit 0" TERM; echo "up $MUSTER_INSTANCE"; while :; do echo "hello from $MUSTER_INSTANCE on $PORT" | nc -l -p $PORT >/dev/null & wait $!; echo asked; done';

const specOf = (over: Partial<ManagedSpec> = {}): ManagedSpec => ({
  name: 'c',
  driver: 'docker',
  replicas: 2,
  command: [
    '/bin/sh',
    '-c',
    PROGRAM.replaceAll('$MUSTER', '$$MUSTER').replaceAll('$PORT', '$$PORT').replace('$!', '$$!'),
  ],
  container: {
    image: TEST_IMAGE,
    engine: engine.host,
    ports: { http: 80 },
    publish: '127.0.0.1',
    network: NETWORK,
    volumes: [],
    labels: { team: 'red' },
    memory: 0,
    cpus: 0,
  },
  cwd: '/',
  env: { COLOR: 'red' },
  ports: ['http'],
  portRange: { first: 26_500, last: 26_999 },
  stopTimeout: 5000,
  restart: { base: 10, max: 20, resetAfter: 60_000 },
  drainTimeout: 1000,
  update: UPDATE,
  ...over,
});

const surroundings: Surroundings = {
  health: () => undefined,
  traffic: () => undefined,
  keyValue: () => undefined,
  meta: () => undefined,
  register: async () => {},
  withdraw: async () => {},
  forget: async () => {},
  subscribe: () => () => {},
};

/** Runs of Muster, one after the other, that know what the one before left. */
function machine() {
  const directory = mkdtempSync(path.join(tmpdir(), 'containers-'));
  const root = openEnvironment(path.join(directory, 'data'));
  const keep = {
    disk: groupDiskIn(root, silentLogger),
    output: new OutputFolder(path.join(directory, 'output')),
  };
  const lines: string[] = [];
  const log: string[] = [];
  let last: GroupController | undefined;
  onTestFinished(async () => {
    await last?.stop();
    await root.close();
    rmSync(directory, { recursive: true });
  }, 60_000);
  const begin = async (over: Partial<ManagedSpec> = {}): Promise<GroupController> => {
    const { groups, instances } = keep.disk.load();
    last = await GroupController.start(
      specOf(over),
      {
        clock: systemClock,
        logger: createLogger({ level: 'info', sink: ({ message }) => log.push(message) }),
        owner: 'node-1',
        output: (instance, stream, line) => lines.push(`${instance} ${stream} ${line}`),
        keep,
      },
      surroundings,
      { group: groups[0], instances },
    );
    return last;
  };
  return { begin, lines, log };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 40_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

const isUp = (view: GroupView) => view.instances.every(({ state }) => state.mode === 'running' && state.pid);

function ask(port: number | undefined): Promise<string> {
  return new Promise((resolve) => {
    // It is no HTTP that is answered, so what comes is told by the parser's error.
    get({ host: '127.0.0.1', port, agent: false }).on('error', (error: Error & { rawPacket?: Buffer }) =>
      resolve(error.rawPacket?.toString() ?? ''),
    );
  });
}

/** The engine takes connections for a port before the program behind it listens, and ends them. */
const answers = (port: number | undefined, text: string) =>
  until(`"${text}"`, async () => (await ask(port)).includes(text));

interface Listed {
  Id: string;
  State: string;
  Labels: Record<string, string>;
}
const containers = async (): Promise<Listed[]> =>
  JSON.parse(await engine.call('GET', '/containers/json?all=1')) as Listed[];

describe('a group of containers', { timeout: 90_000 }, () => {
  it('publishes its ports, tells what they write, and ends them with SIGTERM', async (context) => {
    skipIfTrouble(context);
    const { begin, lines } = machine();
    const group = await begin();
    await until('both to run', () => isUp(group.view()) && lines.length >= 2);
    expect(lines.slice().sort()).toEqual(['c-1 stdout up c-1', 'c-2 stdout up c-2']);
    const [first] = group.view().instances;
    await answers(first!.port, 'hello from c-1 on 80');
    const [one] = (await containers()).filter(({ Labels }) => Labels['muster.instance'] === 'c-1');
    expect(one!.Labels).toMatchObject({
      team: 'red',
      'muster.owner': 'node-1',
      'muster.instance-id': first!.id,
    });
    await group.stop();
    expect(lines.filter((line) => line.endsWith('bye')).sort()).toEqual(['c-1 stdout bye', 'c-2 stdout bye']);
    expect(await containers()).toEqual([]);
  });

  it('are taken over by another run of Muster, with what they wrote meanwhile', async (context) => {
    skipIfTrouble(context);
    const { begin, lines, log } = machine();
    const first = await begin();
    await until('both to run', () => isUp(first.view()) && lines.length >= 2);
    await first.release();
    const before = await containers();
    await answers(first.view().instances[0]!.port, 'hello from c-1');
    const [, victim] = first.view().instances;
    const { Id } = before.find(({ Labels }) => Labels['muster.instance-id'] === victim!.id)!;
    await engine.call('POST', `/containers/${Id}/kill`);
    const second = await begin();
    await until(
      'both to run again',
      () => isUp(second.view()) && lines.filter((line) => line.includes('up c-2')).length === 2,
    );
    await until('what was written', () => lines.includes('c-1 stdout asked'));
    expect(lines.filter((line) => line.includes('up c-1'))).toHaveLength(1);
    expect(log).toContain('c-2 ended while Muster did not run; it is started again');
    const after = await containers();
    expect(after).toHaveLength(2);
    expect(after.map((one) => one.Id)).toContain(before.find((one) => one.Id !== Id)!.Id);
  });

  it('start again what the engine killed with itself', async (context) => {
    skipIfTrouble(context);
    const { begin, lines } = machine();
    const group = await begin();
    await until('both to run', () => isUp(group.view()) && lines.length >= 2);
    await engine.kill();
    await engine.boot();
    await until('both to run again', () => {
      const { instances } = group.view();
      return instances.every(({ restarts, state }) => restarts > 0 && state.mode === 'running' && state.pid);
    });
    await until('both at work', () => lines.filter((line) => line.includes(' up ')).length >= 4);
    expect((await containers()).filter(({ State }) => State === 'running')).toHaveLength(2);
  });

  it('says which image is missing', async (context) => {
    skipIfTrouble(context);
    const { begin, log } = machine();
    await begin({ replicas: 1, container: { ...specOf().container!, image: 'nobody/has:this' } });
    await until('the reason', () =>
      log.some((line) => line.includes('the engine has no image nobody/has:this')),
    );
  });

  it('are removed when nobody knows them any more', async (context) => {
    skipIfTrouble(context);
    const labels = { 'muster.owner': 'node-1', 'muster.instance-id': 'gone' };
    await engine.run('left', { Labels: labels });
    await engine.run('foreign', { Labels: { ...labels, 'muster.owner': 'node-2' } });
    expect(await removeStrangers(specOf(), 'node-1', () => true)).toBe(0);
    expect(await removeStrangers(specOf(), 'node-1', () => false)).toBe(1);
    expect((await containers()).map(({ Labels }) => Labels['muster.owner'])).toEqual(['node-2']);
    await engine.remove('foreign');
  });
});
