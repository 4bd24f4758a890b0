import { describe, expect, it } from 'vitest';
import { type Running, until } from '../scripts/support/processes.mjs';
import type { ContainerRequest } from '../src/docker/engine.test-support.ts';
import { eachOf, engineOfFile, HOST, published, registeredIds } from './support/containers.ts';
import { put } from './support/http.ts';
import {
  type Muster,
  musterProcess,
  pickPorts,
  startMuster,
  testFolder,
  testMuster,
} from './support/muster.ts';

/**
 * A real engine, real processes: after each round the catalog is what runs. `npm run bench -- registrator` does it with 200
 * containers and reports the times; one or two of each kind show the same in less time.
 */
const CONTAINERS = Number(process.env.MUSTER_TEST_CONTAINERS ?? 8);

const { engine, skipIfTrouble } = engineOfFile();

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

const kindOf = (name: string) => KINDS[Number(name.slice(1)) % KINDS.length] as (typeof KINDS)[number];
const runNew = (name: string) => engine().run(name, kindOf(name).make(name));

/** By what the engine says at this moment. */
async function wantedIds(): Promise<string[]> {
  const list = JSON.parse(await engine().call('GET', '/containers/json')) as {
    Names: string[];
    State: string;
  }[];
  return list
    .filter(({ State }) => State === 'running')
    .flatMap(({ Names }) => kindOf((Names[0] as string).slice(1)).ids((Names[0] as string).slice(1)))
    .sort();
}

const FOREIGN = ['web-1', 'there:c1:80', 'redis'];

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

  await eachOf(first.slice(0, CONTAINERS / 4), (name) =>
    engine().call('POST', `/containers/${name}/stop?t=0`),
  );
  await eachOf(first.slice(CONTAINERS / 4, CONTAINERS / 2), (name) =>
    engine().call('POST', `/containers/${name}/kill`),
  );
  await inLine(muster, 'after stop and kill', program);

  await eachOf(first.slice(0, CONTAINERS / 2), (name) => engine().call('POST', `/containers/${name}/start`));
  await eachOf(first.slice(CONTAINERS / 2), (name) =>
    engine().call('POST', `/containers/${name}/restart?t=0`),
  );
  await inLine(muster, 'after start and restart', program);

  const paused = first.slice(0, 4);
  await eachOf(paused, (name) => engine().call('POST', `/containers/${name}/pause`));
  await inLine(muster, 'after pause', program);
  await eachOf(paused, (name) => engine().call('POST', `/containers/${name}/unpause`));
  await inLine(muster, 'after unpause', program);

  const second = names(CONTAINERS, CONTAINERS / 4);
  let running = await restart(async () => {
    await eachOf(first.slice(0, CONTAINERS / 2), (name) => engine().remove(name));
    await eachOf(second, runNew);
  });
  await inLine(muster, 'after kill -9 of the registrator', running);

  await engine().kill();
  await engine().boot();
  await inLine(muster, 'after kill -9 of the engine', running);
  await eachOf(first.slice(CONTAINERS / 2), (name) => engine().call('POST', `/containers/${name}/start`));
  await inLine(muster, 'after another start', running);

  running = await restart(async () => {
    await engine().kill();
    await engine().boot();
  });
  await inLine(muster, 'after kill -9 of both', running);
  await eachOf([...first.slice(CONTAINERS / 2), ...second], (name) => engine().remove(name));
  await inLine(muster, 'after the end', running);
}

describe('the catalog is what runs', { timeout: Math.max(600_000, CONTAINERS * 10_000) }, () => {
  it('with a registrator of its own', async (context) => {
    skipIfTrouble(context);
    const muster = await testMuster('agent');
    const begin = () =>
      musterProcess(['registrator', '-hostname', HOST, muster.api.replace('http:', 'consul:')], {
        DOCKER_HOST: engine().host,
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
      registrator: { enabled: true, engine: engine().host },
      balancer: { enabled: false },
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
