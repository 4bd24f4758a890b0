import { execFileSync } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { type Running, start, until } from '../scripts/support/processes.mjs';
import { missingPrograms } from '../scripts/support/system-packages.mjs';
import {
  type ContainerRequest,
  missingForEngine,
  TEST_IMAGE,
  TestEngine,
  testImageFolder,
} from '../src/docker/engine.test-support.ts';
import { messageOf } from '../src/errors.ts';
import { ask, getJson, put } from './support/http.ts';
import {
  type Muster,
  musterProcess,
  pickPorts,
  startMuster,
  testFolder,
  testMuster,
} from './support/muster.ts';

/**
 * A real engine, real processes: after each round the catalog is what runs. MUSTER_TEST_CONTAINERS=200 makes a long run of it;
 * a smaller number shows the same in less time.
 */
const CONTAINERS = Number(process.env.MUSTER_TEST_CONTAINERS ?? 20);
const HOST = 'here';
const NETWORK = 'muster-test-net';

let engine: TestEngine;
let trouble =
  missingForEngine.length > 0
    ? `the registrator is not tested: needs ${missingForEngine.join(', ')}`
    : undefined;

beforeAll(async () => {
  if (trouble !== undefined) return;
  try {
    engine = await TestEngine.start();
    await engine.call('POST', '/networks/create', { Name: NETWORK });
  } catch (error) {
    trouble = `the registrator is not tested: the engine cannot run here: ${messageOf(error)}`;
  }
  if (trouble !== undefined) console.warn(trouble);
});
afterAll(() => engine?.close());

/** Kinds of containers, and the IDs that they are to have. */
const KINDS: readonly { make: (name: string) => ContainerRequest; ids: (name: string) => string[] }[] = [
  {
    make: () => published({ '80/tcp': {} }),
    ids: (name) => [`${HOST}:${name}:80`],
  },
  {
    make: (name) => ({
      ...published({ '80/tcp': {}, '53/udp': {} }),
      Env: [`SERVICE_53_NAME=${name}`, 'SERVICE_TAGS=a\\,b,c', 'SERVICE_80_CHECK_TTL=1h'],
    }),
    ids: (name) => [`${HOST}:${name}:80`, `${HOST}:${name}:53:udp`],
  },
  {
    make: (name) => ({
      ...published({ '80/tcp': {} }),
      Labels: { SERVICE_ID: `own-${name}`, SERVICE_NAME: 'own' },
    }),
    ids: (name) => [`own-${name}`],
  },
  {
    make: () => ({ ExposedPorts: { '8080/tcp': {} }, HostConfig: { NetworkMode: 'host' } }),
    ids: (name) => [`${HOST}:${name}:8080`],
  },
  { make: () => ({ ...published({ '80/tcp': {} }), Env: ['SERVICE_IGNORE=yes'] }), ids: () => [] },
  { make: () => ({}), ids: () => [] },
];

function published(ports: Record<string, object>): ContainerRequest {
  const bindings = Object.fromEntries(Object.keys(ports).map((port) => [port, [{ HostIp: '127.0.0.1' }]]));
  return { ExposedPorts: ports, HostConfig: { NetworkMode: NETWORK, PortBindings: bindings } };
}

const kindOf = (name: string) => KINDS[Number(name.slice(1)) % KINDS.length] as (typeof KINDS)[number];
const runNew = (name: string) => engine.run(name, kindOf(name).make(name));

/** By what the engine says at this moment. */
async function wantedIds(): Promise<string[]> {
  const list = JSON.parse(await engine.call('GET', '/containers/json')) as {
    Names: string[];
    State: string;
  }[];
  return list
    .filter(({ State }) => State === 'running')
    .flatMap(({ Names }) => kindOf((Names[0] as string).slice(1)).ids((Names[0] as string).slice(1)))
    .sort();
}

const FOREIGN = ['web-1', 'there:c1:80', 'redis'];

/** All that the catalog has, apart from the registry itself. */
async function registeredIds(muster: Muster): Promise<string[]> {
  const node = await getJson<{ Services: Record<string, unknown> }>(
    `${muster.api}/v1/catalog/node/${await nodeName(muster)}`,
  );
  return Object.keys(node.Services)
    .filter((id) => id !== 'consul')
    .sort();
}

async function nodeName(muster: Muster): Promise<string> {
  const self = await getJson<{ Config: { NodeName: string } }>(`${muster.api}/v1/agent/self`);
  return self.Config.NodeName;
}

async function inLine(muster: Muster, what: string, program: Running): Promise<void> {
  const began = performance.now();
  let wanted: string[] = [];
  let found: string[] = [];
  await until(
    `the catalog to be what runs ${what}`,
    async () => {
      [wanted, found] = await Promise.all([wantedIds(), registeredIds(muster)]);
      return JSON.stringify(found) === JSON.stringify([...wanted, ...FOREIGN].sort());
    },
    // An engine with hundreds of containers is busy for a while with each list.
    { every: 100, program },
  ).catch((error: unknown) => {
    // Says which ones.
    expect(found).toEqual([...wanted, ...FOREIGN].sort());
    throw error;
  });
  console.log(
    `${what}: in line after ${Math.round(performance.now() - began)} ms, ${wanted.length} services`,
  );
}

async function eachOf(names: readonly string[], task: (name: string) => Promise<unknown>): Promise<void> {
  await Promise.all(names.map(task));
}

const names = (from: number, count: number) => Array.from({ length: count }, (_, at) => `c${from + at}`);

/** Starts, stops, kills, pauses, crashes; `restart` kills the registrator with `meanwhile` going on before it is back. */
async function storm(
  muster: Muster,
  program: Running,
  restart: (meanwhile: () => Promise<void>) => Promise<Running>,
): Promise<void> {
  for (const id of FOREIGN)
    await put(`${muster.api}/v1/agent/service/register`, { ID: id, Name: 'foreign', Port: 1 });
  const first = names(0, CONTAINERS);
  await eachOf(first, runNew);
  await inLine(muster, 'after the start', program);

  await eachOf(first.slice(0, CONTAINERS / 4), (name) => engine.call('POST', `/containers/${name}/stop?t=0`));
  await eachOf(first.slice(CONTAINERS / 4, CONTAINERS / 2), (name) =>
    engine.call('POST', `/containers/${name}/kill`),
  );
  await inLine(muster, 'after stop and kill', program);

  await eachOf(first.slice(0, CONTAINERS / 2), (name) => engine.call('POST', `/containers/${name}/start`));
  await eachOf(first.slice(CONTAINERS / 2), (name) => engine.call('POST', `/containers/${name}/restart?t=0`));
  await inLine(muster, 'after start and restart', program);

  const paused = first.slice(0, 4);
  await eachOf(paused, (name) => engine.call('POST', `/containers/${name}/pause`));
  await inLine(muster, 'after pause', program);
  await eachOf(paused, (name) => engine.call('POST', `/containers/${name}/unpause`));
  await inLine(muster, 'after unpause', program);

  const second = names(CONTAINERS, CONTAINERS / 4);
  let running = await restart(async () => {
    await eachOf(first.slice(0, CONTAINERS / 2), (name) => engine.remove(name));
    await eachOf(second, runNew);
  });
  await inLine(muster, 'after kill -9 of the registrator', running);

  await engine.kill();
  await engine.boot();
  await inLine(muster, 'after kill -9 of the engine', running);
  await eachOf(first.slice(CONTAINERS / 2), (name) => engine.call('POST', `/containers/${name}/start`));
  await inLine(muster, 'after another start', running);

  running = await restart(async () => {
    await engine.kill();
    await engine.boot();
  });
  await inLine(muster, 'after kill -9 of both', running);
  await eachOf([...first.slice(CONTAINERS / 2), ...second], (name) => engine.remove(name));
  await inLine(muster, 'after the end', running);
}

const skipIfTrouble = ({ skip }: TestContext) => skip(trouble !== undefined, trouble);

describe('the catalog is what runs', { timeout: Math.max(600_000, CONTAINERS * 10_000) }, () => {
  it('with a registrator of its own', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const begin = () =>
      musterProcess(['registrator', '-hostname', HOST, muster.api.replace('http:', 'consul:')], {
        DOCKER_HOST: engine.host,
      });
    let program = begin();
    await storm(muster, program, async (meanwhile) => {
      await program.kill();
      await meanwhile();
      program = begin();
      return program;
    });
    expect((await program.stop()).code).toBe(0);
  });

  it('with the registrator in the agent, which keeps its catalog on disk', async (context) => {
    skipIfTrouble(context);
    const folder = testFolder();
    const ports = await pickPorts();
    const config = {
      node: { name: HOST, data_dir: 'data' },
      registrator: { enabled: true, engine: engine.host },
    };
    let muster = await startMuster('agent', config, folder, ports);
    const same: Muster = muster;
    try {
      await storm(same, muster.program, async (meanwhile) => {
        await muster.program.kill();
        await meanwhile();
        muster = await startMuster('agent', config, folder, ports);
        return muster.program;
      });
    } finally {
      await muster.program.stop();
    }
  });
});

describe('a key/value store', () => {
  it('holds the address of each instance, and nothing of ours that is gone', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const uri = `${muster.api.replace('http:', 'consulkv:')}/services`;
    const begin = () =>
      musterProcess(['registrator', '-hostname', HOST, '-ip', 'fd00::1', uri], { DOCKER_HOST: engine.host });
    const keys = async () => (await ask(`${muster.api}/v1/kv/services/?recurse&raw&keys`)).text;
    await ask(`${muster.api}/v1/kv/services/web/by-hand`, { method: 'PUT', body: '10.0.0.1:80' });
    let program = begin();
    const host: ContainerRequest = { ExposedPorts: { '80/tcp': {} }, HostConfig: { NetworkMode: 'host' } };
    await engine.run('k1', host);
    await engine.run('k2', { ...host, Env: ['SERVICE_ID=own'] });
    await until('both', async () => (await keys()).includes('own') && (await keys()).includes('k1'), {
      program,
    });
    expect((await ask(`${muster.api}/v1/kv/services/${TEST_IMAGE}/own?raw`)).text).toBe('[fd00::1]:80');
    await program.kill();
    await eachOf(['k1', 'k2'], (name) => engine.remove(name));
    program = begin();
    await until(
      'both to be gone',
      async () => JSON.stringify(JSON.parse(await keys())) === '["services/web/by-hand"]',
      { program },
    );
  });
});

describe('a registrator', () => {
  // What a test that failed leaves would make the next ones fail.
  afterEach(() => engine?.removeContainers());

  it('says what is wrong with a container, and which variable it is', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const program = musterProcess(
      ['registrator', '-hostname', HOST, muster.api.replace('http:', 'consul:')],
      {
        DOCKER_HOST: engine.host,
      },
    );
    const bad = {
      ...published({ '80/tcp': {} }),
      Labels: { SERVICE_CHECK_TCP: '1', SERVICE_CHECK_INTERVAL: 'often' },
    };
    await engine.run('b1', bad);
    await engine.run('b2', { ...published({ '80/tcp': {} }), Env: ['SERVICE_ID=same'] });
    await engine.run('b3', { ...published({ '80/tcp': {} }), Env: ['SERVICE_ID=same'] });
    await until(
      'both to be told',
      () => /container=b1/.test(program.output()) && /container=b3/.test(program.output()),
      {
        program,
      },
    );
    expect(program.output()).toMatch(/SERVICE_CHECK_INTERVAL="often": a duration.*container=b1/);
    expect(program.output()).toMatch(
      /SERVICE_ID=the ID "same" belongs to the container b2 already.*container=b3/,
    );
    await until('the rest to be registered', async () => (await registeredIds(muster)).length === 2, {
      program,
    });
    expect(await registeredIds(muster)).toEqual([`${HOST}:b1:80`, 'same']);
  });

  it('leaves a maintenance alone', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const args = ['registrator', '-hostname', HOST, '-resync', '1', muster.api.replace('http:', 'consul:')];
    const program = musterProcess(args, { DOCKER_HOST: engine.host });
    await engine.run('m1', published({ '80/tcp': {} }));
    await until('m1', async () => (await registeredIds(muster)).length === 1, { program });
    const id = encodeURIComponent(`${HOST}:m1:80`);
    await ask(`${muster.api}/v1/agent/service/maintenance/${id}?enable=true`, { method: 'PUT' });
    await engine.run('m2', published({ '80/tcp': {} }));
    await until('m2', async () => (await registeredIds(muster)).length === 2, { program });
    const checks = await getJson<Record<string, unknown>>(`${muster.api}/v1/agent/checks`);
    expect(Object.keys(checks)).toEqual([`_service_maintenance:${HOST}:m1:80`]);
  });

  it("takes a container's own HEALTHCHECK for its check, when told so", async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const args = ['registrator', '-hostname', HOST, '-health', muster.api.replace('http:', 'consul:')];
    const program = musterProcess(args, { DOCKER_HOST: engine.host });
    const second = 1_000_000_000;
    await engine.run('h1', {
      ...published({ '80/tcp': {} }),
      Healthcheck: { Test: ['CMD', '/bin/cat', '/well'], Interval: second, Retries: 1 },
      Cmd: ['/bin/sh', '-c', "trap 'echo > /well' USR1; while :; do sleep 1; done"],
    });
    const status = async () => {
      const checks = await getJson<Record<string, { Status: string; Output: string }>>(
        `${muster.api}/v1/agent/checks`,
      );
      const { Status = '', Output = '' } = checks[`service:${HOST}:h1:80`] ?? {};
      return `${Status} ${Output}`;
    };
    await until(
      'it to be unhealthy',
      async () => (await status()) === 'critical the container is unhealthy',
      { program },
    );
    await engine.call('POST', '/containers/h1/kill?signal=USR1');
    await until('it to be healthy', async () => (await status()) === 'passing the container is healthy', {
      program,
    });
  });

  it('keeps services of containers that failed with -deregister on-success', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const args = [
      'registrator',
      '-hostname',
      HOST,
      '-deregister',
      'on-success',
      muster.api.replace('http:', 'consul:'),
    ];
    const begin = () => musterProcess(args, { DOCKER_HOST: engine.host });
    let program = begin();
    const ending = (code: number): ContainerRequest => ({
      ...published({ '80/tcp': {} }),
      Cmd: ['/bin/sh', '-c', `trap 'exit ${code}' USR1; while :; do sleep 1; done`],
      Env: code === 3 ? ['SERVICE_ID=failed'] : [],
    });
    for (const [name, code] of [
      ['f0', 0],
      ['f1', 1],
      ['f3', 3],
    ] as const)
      await engine.run(name, ending(code));
    await until('all three', async () => (await registeredIds(muster)).length === 3, { program });
    await eachOf(['f0', 'f1', 'f3'], (name) => engine.call('POST', `/containers/${name}/kill?signal=USR1`));
    const left = async () =>
      JSON.stringify(await registeredIds(muster)) === JSON.stringify(['failed', `${HOST}:f1:80`].sort());
    await until('the one that ended well to be gone', left, { program });
    await program.kill();
    program = begin();
    await until('it to compare', () => program.output().includes('listening'), { program });
    await engine.run('f4', ending(0));
    await until('f4', async () => (await registeredIds(muster)).includes(`${HOST}:f4:80`), { program });
    expect(await registeredIds(muster)).toEqual(['failed', `${HOST}:f1:80`, `${HOST}:f4:80`].sort());
    await eachOf(['f0', 'f1', 'f3', 'f4'], (name) => engine.remove(name));
    await until('all to be gone', async () => (await registeredIds(muster)).length === 0, { program });
  });
});

describe("Podman's API service", () => {
  it('is as good an engine', async ({ skip }) => {
    skip(
      missingPrograms('podman').length > 0 || process.getuid?.() !== 0,
      'needs podman, and the rights of root',
    );
    const folder = testFolder();
    const socketPath = join(folder, 'podman.sock');
    const call = (method: string, path: string, body: Buffer | object = Buffer.alloc(0)) =>
      new Promise<string>((resolve, reject) => {
        const content = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
        const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
        const headers = { 'Content-Type': type, 'Content-Length': content.length };
        request({ socketPath, method, path, headers, agent: false }, (answer) => {
          let text = '';
          answer.on('data', (chunk) => {
            text += chunk;
          });
          answer.on('end', () =>
            (answer.statusCode ?? 500) < 400 ? resolve(text) : reject(new Error(text)),
          );
        })
          .on('error', reject)
          .end(content);
      });
    const serve = () => {
      const places = [
        '--root',
        join(folder, 'root'),
        '--runroot',
        join(folder, 'run'),
        '--tmpdir',
        join(folder, 'tmp'),
      ];
      const kinds = ['--storage-driver=vfs', '--cgroup-manager=cgroupfs', '--events-backend=file'];
      const service = start(
        'podman',
        [...places, ...kinds, 'system', 'service', '--time=0', `unix://${socketPath}`],
        { env: { HOME: folder } },
      );
      return service;
    };
    const answers = (service: Running) =>
      until(
        'podman to answer',
        () =>
          call('GET', '/_ping').then(
            (text) => text === 'OK',
            () => false,
          ),
        { program: service },
      );
    let service = serve();
    const limits = ['nofile', 'nproc'].map((Name) => ({ Name, Soft: 1024, Hard: 1024 }));
    const run = async (name: string) => {
      const made = {
        Image: TEST_IMAGE,
        Cmd: ['/bin/sleep', '600'],
        ExposedPorts: { '80/tcp': {} },
        Env: ['SERVICE_NAME=web'],
      };
      const PortBindings = { '80/tcp': [{ HostIp: '127.0.0.1' }] };
      const HostConfig = { NetworkMode: 'bridge', PortBindings, Ulimits: limits };
      await call('POST', `/containers/create?name=${name}`, { ...made, HostConfig });
      await call('POST', `/containers/${name}/start`);
    };
    const remove = (name: string) => call('DELETE', `/containers/${name}?force=1`);
    try {
      await answers(service);
      const tar = execFileSync('tar', ['-C', testImageFolder(folder), '-c', '.'], {
        maxBuffer: 64 * 1024 * 1024,
      });
      await call('POST', `/images/create?fromSrc=-&repo=${TEST_IMAGE}`, tar);
      try {
        await run('p1');
      } catch (error) {
        skip(true, `podman cannot run containers here: ${messageOf(error)}`);
      }
      const muster = await testMuster('agent');
      const program = musterProcess(
        ['registrator', '-hostname', HOST, muster.api.replace('http:', 'consul:')],
        {
          DOCKER_HOST: `unix://${socketPath}`,
        },
      );
      const holds = (names: string[]) =>
        until(
          `the catalog to hold ${names}`,
          async () =>
            JSON.stringify(await registeredIds(muster)) ===
            JSON.stringify(names.map((name) => `${HOST}:${name}:80`)),
          { program },
        );
      await holds(['p1']);
      await Promise.all([run('p2'), run('p3')]);
      await holds(['p1', 'p2', 'p3']);
      await call('POST', '/containers/p1/stop?t=0');
      await remove('p2');
      await holds(['p3']);
      await service.kill();
      service = serve();
      await answers(service);
      await Promise.all([run('p4'), call('POST', '/containers/p1/start')]);
      await holds(['p1', 'p3', 'p4']);
      await Promise.all(['p1', 'p3', 'p4'].map(remove));
      await holds([]);
    } finally {
      await Promise.all(['p1', 'p2', 'p3', 'p4'].map((name) => remove(name).catch(() => '')));
      await service.kill();
    }
  });
});
