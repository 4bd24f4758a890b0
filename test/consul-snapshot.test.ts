import { readFileSync } from 'node:fs';
import { expect, it, onTestFailed, onTestFinished } from 'vitest';
import { inRoot, MUSTER } from '../scripts/support/paths.mjs';
import { runToEnd } from '../scripts/support/processes.mjs';
import { type Ask, ask } from './support/http.ts';
import { type Muster, pickPorts, startMuster, testFolder } from './support/muster.ts';

const FILE = inRoot('src/api/snapshot/consul/fixture/consul.snap');

/** Of Muster, before; of Consul, from the snapshot. */
const OURS = '0e51b2a1-3c22-4f1b-9d53-7c1b8d0a1f00';
const THEIRS = '5ec2e700-0000-4000-8000-000000000010';
const OF_AN_APP = '5ec2e700-0000-4000-8000-000000000011';
const OF_OLD = '5ec2e700-0000-4000-8000-000000000012';

let api = '';

async function answer(path: string, token: string, options: Ask = {}): Promise<string> {
  const { status, text } = await ask(`${api}${path}`, { ...options, headers: { 'X-Consul-Token': token } });
  return `${status} ${text}`;
}

async function json<T>(path: string, token = THEIRS): Promise<T> {
  return JSON.parse((await answer(path, token)).replace(/^200 /, '')) as T;
}

/** All that clients of the Consul had is there. */
async function seeThatItIsThere(): Promise<void> {
  expect(await answer('/v1/kv/app/config?raw', THEIRS)).toBe('200 {"a": 1}');
  expect(await json('/v1/kv/app/bytes')).toMatchObject([{ Value: 'AP+ACg==', Key: 'app/bytes' }]);
  expect(await answer('/v1/kv/app/bytes', THEIRS)).toContain(`"Flags":${2n ** 64n - 1n}`);
  expect(await answer('/v1/kv/mine', THEIRS)).toMatch(/^404/);

  // What each token may do is what it might.
  expect(await answer('/v1/kv/app/config?raw', OF_AN_APP)).toBe('200 {"a": 1}');
  expect(await answer('/v1/kv/else?raw', OF_AN_APP)).toMatch(/^403/);
  expect(await answer('/v1/kv/old/x?raw', OF_OLD)).toMatch(/^404/);
  expect(await answer('/v1/kv/app/config?raw', OF_OLD)).toMatch(/^403/);
  expect(await answer('/v1/kv/app/config?raw', '')).toMatch(/^403/);
  expect(await json('/v1/acl/token/self', OF_AN_APP)).toMatchObject({
    AccessorID: 'acce5501-0000-4000-8000-000000000011',
    Roles: [{ Name: 'app' }],
    ExpirationTime: '2099-01-02T02:04:05.006Z',
  });
  expect(await answer('/v1/acl/bootstrap', '', { method: 'PUT' })).toMatch(
    /^403 Permission denied: ACL bootstrap no longer allowed/,
  );

  expect(await json('/v1/health/service/db?passing')).toMatchObject([
    { Node: { Node: 'db-outside' }, Service: { Port: 5432 }, Checks: [{ CheckID: 'db-check' }] },
  ]);
  expect(await json('/v1/query/geo-db/execute')).toMatchObject({
    Service: 'db',
    Nodes: [{ Node: { Node: 'db-outside' } }],
  });
  expect(await json('/v1/query')).toHaveLength(2);
  expect(await json('/v1/config/service-resolver/web')).toMatchObject({ ConnectTimeout: '15s' });

  // The agent goes on under its name, and so do the sessions that hang on it.
  const sessions = await json<{ Name: string }[]>('/v1/session/list');
  expect(sessions.map(({ Name }) => Name).sort()).toEqual(['of an agent', "of nobody's"]);
  expect(await json('/v1/kv/lock/agent')).toMatchObject([
    { LockIndex: 3, Session: '5e551011-0000-4000-8000-000000000001' },
  ]);
  expect(await json('/v1/health/node/web-1')).toContainEqual(
    expect.objectContaining({ CheckID: 'serfHealth', Status: 'passing' }),
  );
}

it('what `consul snapshot save` wrote is taken over, and stays', async () => {
  const folder = testFolder();
  const ports = await pickPorts();
  const config = {
    node: { name: 'web-1', data_dir: `${folder}/data` },
    acl: { enabled: true, default_policy: 'deny', tokens: { initial_management: OURS } },
  };
  let agent: Muster | undefined;
  onTestFinished(async () => {
    await agent?.program.kill();
  });
  onTestFailed(() => {
    process.stdout.write(`--- output of the agent\n${agent?.program.output()}\n`);
  });
  agent = await startMuster('agent', config, folder, ports);
  api = agent.api;
  expect(await answer('/v1/kv/mine', OURS, { method: 'PUT', body: 'x' })).toMatch(/^200/);

  const body = readFileSync(FILE);
  expect(await answer('/v1/snapshot', '', { method: 'PUT', body })).toMatch(/^403/);
  const told = await answer('/v1/snapshot', OURS, { method: 'PUT', body });
  expect(JSON.parse(told.replace(/^200 /, ''))).toMatchObject({
    From: 'Consul',
    Index: 62,
    Restored: { kv: 6, aclTokens: 6, services: 3, sessions: 2, queries: 2 },
    LeftOut: { intentions: 1, 'auth methods': 1 },
    SilentAgents: 0,
  });
  await seeThatItIsThere();
  expect(agent.program.output()).toContain('a snapshot of Consul was restored');
  for (const secret of [THEIRS, OF_AN_APP, OF_OLD]) expect(agent.program.output()).not.toContain(secret);

  await agent.program.kill();
  agent = await startMuster('agent', config, folder, ports);
  await seeThatItIsThere();

  const cli = async (...args: string[]) =>
    (await runToEnd(process.execPath, [MUSTER, 'snapshot', ...args, FILE], {})).output;
  const inspected = await cli('inspect');
  expect(inspected).toMatch(/^Of +Consul$/m);
  expect(inspected).toMatch(/^ {2}aclTokens +6$/m);
  expect(inspected).toMatch(/^ {2}left out: intentions +1$/m);
  const restored = await cli('restore', '-http-addr', api, '-token', THEIRS);
  expect(restored).toMatch(/^Restored snapshot\nTaken over from Consul: .*kv 6.*\nLeft out: .*intentions 1/);
  await seeThatItIsThere();
});
