import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { freePorts, type Running, start, until } from '../scripts/support/processes.mjs';
import { ask, getJson, put } from './support/http.ts';
import { type Muster, startMuster, temporaryFolder } from './support/muster.ts';

const { folder, remove } = temporaryFolder();
let etcd: Running;
let endpoint: string;
const agents: Muster[] = [];

const begin = async (name: string): Promise<Muster> => {
  const { folder: own, remove: removeOwn } = temporaryFolder();
  removals.push(removeOwn);
  const node = { name, data_dir: `${folder}/${name}` };
  return startMuster(
    'agent',
    { node, store: { etcd: { endpoints: [endpoint], prefix: '/shared/muster' } } },
    own,
  );
};
const removals: (() => void)[] = [remove];

/** The state of each thread of a process, as in proc(5): "T" is stopped. */
const threadsOf = (pid: number): (string | undefined)[] =>
  readdirSync(`/proc/${pid}/task`).map((thread) =>
    /\) (\S)/.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'))?.at(1),
  );

beforeAll(async () => {
  const [client = 0, peer = 0] = await freePorts(2);
  endpoint = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  etcd = start('etcd', [
    ...[
      '--name=e',
      `--data-dir=${folder}/etcd`,
      `--listen-client-urls=${endpoint}`,
      `--advertise-client-urls=${endpoint}`,
    ],
    ...[
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=e=${peerUrl}`,
    ],
  ]);
  await until('etcd', async () => (await ask(`${endpoint}/health`)).text.includes('true'), { program: etcd });
  agents.push(await begin('one'), await begin('two'));
});
afterAll(async () => {
  await Promise.all(agents.map(({ program }) => program.kill()));
  await etcd?.kill();
  for (const one of removals) one();
});

const [first, second] = [() => agents[0] as Muster, () => agents[1] as Muster];

/** What etcd has under a key: asks until the agent can say, which it cannot while it finds its way back to etcd. */
async function read({ api }: Muster, key: string): Promise<string> {
  const { text } = await until(`an answer about ${key}`, async () => {
    const answer = await ask(`${api}/v1/kv/${key}?raw&consistent`);
    return answer.status !== 500 && answer;
  });
  return text;
}

it('agents on one etcd share a catalog: keys, services, locks', async () => {
  onTestFailed(() => {
    for (const { program } of agents) process.stdout.write(program.output());
  });
  await put(`${first().api}/v1/kv/a`, 1);
  expect(await read(second(), 'a')).toBe('1');
  await put(`${second().api}/v1/agent/service/register`, { Name: 'web', Port: 80 });
  await until(
    'the service',
    async () => (await getJson<unknown[]>(`${first().api}/v1/catalog/service/web`)).length === 1,
  );
  const nodes = await getJson<{ Node: string }[]>(`${first().api}/v1/catalog/nodes`);
  expect(nodes.map(({ Node }) => Node).sort()).toEqual(['one', 'two']);
  const session = async (api: string) =>
    (JSON.parse((await put(`${api}/v1/session/create`, { TTL: '10s' })).text) as { ID: string }).ID;
  const locked = await Promise.all(
    agents.map(async ({ api }) =>
      (await ask(`${api}/v1/kv/lock?acquire=${await session(api)}`, { method: 'PUT' })).text.trim(),
    ),
  );
  expect(locked.sort()).toEqual(['false', 'true']);
});

it('while etcd is away they answer what they know, refuse writes, and go on when it is back', async () => {
  process.kill(etcd.pid, 'SIGSTOP');
  try {
    // A signal takes its time: until each of its threads stands, it may still take a write.
    await until('it to stand still', () => threadsOf(etcd.pid).every((state) => state === 'T'));
    await until(
      'writes to be refused',
      async () => (await ask(`${first().api}/v1/kv/a`, { method: 'PUT', body: '2' })).status === 500,
    );
    expect((await ask(`${first().api}/v1/kv/a?raw`)).text).toBe('1');
    await until('it to say so', async () => (await ask(`${first().api}/v1/muster/ready`)).status === 503);
  } finally {
    process.kill(etcd.pid, 'SIGCONT');
  }
  await until(
    'a write',
    async () => (await ask(`${first().api}/v1/kv/a`, { method: 'PUT', body: '3' })).status === 200,
  );
  expect(await read(second(), 'a')).toBe('3');
});

it('what was there is there after a restart', async () => {
  await second().program.stop();
  agents[1] = await begin('two');
  expect(await read(second(), 'a')).toBe('3');
  expect(Object.keys(await getJson<object>(`${second().api}/v1/agent/services`))).toContain('web');
});
