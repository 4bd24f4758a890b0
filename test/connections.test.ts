import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts, until } from '../scripts/support/processes.mjs';
import type { ConnectionsView } from '../src/api/muster/wire-answers.ts';
import { ask, getJson, put } from './support/http.ts';
import {
  type ConfigFile,
  type Muster,
  stack,
  startMuster,
  temporaryFolder,
  withTwoWorkers,
} from './support/muster.ts';

/** The connections stack: a TCP service that people stay connected to. */

const home = temporaryFolder();
const sockets: Socket[] = [];
let muster: Muster;
let door: number;

/** A client that stays. */
function join(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: door });
    sockets.push(socket);
    socket.once('connect', () => socket.write('Ping'));
    socket.once('data', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

const held = async () => (await getJson<ConnectionsView[]>(`${muster.api}/v1/muster/connections`))[0]!;

/** How many instances get connections. */
const routed = async () => (await held()).instances.filter(({ reason }) => reason === '').length;

/** Waits until each instance says so many; their checks are connections too, for a moment. */
const become = (...counts: number[]) =>
  until(`${counts} to be told`, async () => (await told()).join() === counts.join(), {
    program: muster.program,
  });

/** What the instances themselves say, in the order of their names. */
async function told(): Promise<number[]> {
  const entries = await getJson<{ Service: { ID: string; Address: string; Port: number } }[]>(
    `${muster.api}/v1/health/service/fepinfo?passing`,
  );
  const sorted = entries.sort((a, b) => (a.Service.ID < b.Service.ID ? -1 : 1));
  return Promise.all(
    sorted.map(async ({ Service: { Address, Port } }) =>
      Number((await ask(`http://${Address}:${Port}/conns`)).text),
    ),
  );
}

beforeAll(async () => {
  [door = 0] = await freePorts(1);
  const { balancer, ...rest } = stack('connections') as { balancer: { service: ConfigFile[] } };
  const config = {
    ...rest,
    node: { dev: true },
    balancer: { service: balancer.service.map((service) => ({ ...service, address: `127.0.0.1:${door}` })) },
  };
  muster = await startMuster('up', withTwoWorkers(config), home.folder);
  await until('four instances', async () => (await told()).length === 4 && (await routed()) === 4, {
    program: muster.program,
  });
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await muster?.program.stop();
  home.remove();
});

describe('the connections stack', () => {
  it('spreads connections evenly, and shows who holds how many', async () => {
    for (let number = 0; number < 40; number++) await join();
    await become(10, 10, 10, 10);
    const { service, active, instances } = await held();
    expect([service, active]).toEqual(['fep', 40]);
    expect(instances.map((instance) => instance.active)).toEqual([10, 10, 10, 10]);
  });

  it('fills a new instance first, and keeps those that are connected', async () => {
    await put(`${muster.api}/v1/muster/groups/fep/scale?size=5`);
    await until('the fifth', async () => (await told()).length === 5, { program: muster.program });
    await until('it to be routed', async () => (await routed()) === 5, { program: muster.program });
    for (let number = 0; number < 10; number++) await join();
    await become(10, 10, 10, 10, 10);
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([]);
  });

  it('sends who was cut off to others when an instance is killed', async () => {
    const [victim] = (await held()).instances;
    const group = await getJson<{ instances: { name: string; state: { pid: number } }[] }>(
      `${muster.api}/v1/muster/groups/fep`,
    );
    const pid = group.instances.find(({ name }) => name === victim?.id)?.state.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await until(
      'its clients to be cut off',
      () => sockets.filter(({ destroyed }) => destroyed).length === 10,
    );
    for (let number = 0; number < 10; number++) await join();
    expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(50);
  });
});
