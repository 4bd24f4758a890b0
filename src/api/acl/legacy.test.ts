import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { startApi } from '../server.ts';
import { type AclWorld, ROOT, startAclWorld } from './world.test-support.ts';

/** The endpoints of before Consul 1.4; what they answer was looked at in 1.10. */
let world: AclWorld;
beforeEach(async () => {
  world = await startAclWorld();
});
afterEach(() => world.stop());

const text = async (method: string, path: string, options?: Parameters<AclWorld['ask']>[2]) => {
  const answer = await world.ask(method, path, options);
  return `${answer.status} ${answer.text}`;
};
const create = async (body: unknown) =>
  ((await world.ask('PUT', '/v1/acl/create', { body })).json as { ID: string }).ID;
const info = async (id: string) => (await world.ask('GET', `/v1/acl/info/${id}`, { token: '' })).json;
const RULES = 'key "app/" { policy = "write" } key "app/secret" { policy = "deny" } operator = "read"';

it('a token is made with rules of its own, in which every name is the beginning of one', async () => {
  const id = await create({ Name: 'app', Rules: RULES });
  const statusOf = async (method: string, path: string) =>
    (await world.ask(method, path, { token: id, ...(method === 'PUT' ? { body: 'x' } : {}) })).status;
  expect(await statusOf('PUT', '/v1/kv/app/one')).toBe(200);
  expect(await statusOf('PUT', '/v1/kv/other')).toBe(403);
  expect(await statusOf('PUT', '/v1/kv/app/secret/1')).toBe(403);
  expect(await statusOf('GET', '/v1/operator/raft/configuration')).toBe(200);
  expect(await info(id)).toEqual([
    {
      ID: id,
      Name: 'app',
      Type: 'client',
      Rules: RULES,
      CreateIndex: expect.any(Number),
      ModifyIndex: expect.any(Number),
    },
  ]);
  // It is a token like others: it can be read as one.
  const own = (await world.ask('GET', '/v1/acl/token/self', { token: id })).json;
  expect(own).toMatchObject({
    SecretID: id,
    Description: 'app',
    Rules: RULES,
    AccessorID: expect.any(String),
  });
  const listed = (await world.ask('GET', '/v1/acl/tokens')).json as { SecretID: string; Legacy?: boolean }[];
  const found = listed.find(({ SecretID }) => SecretID === id);
  expect(found).toMatchObject({ Legacy: true });
  expect(found).not.toHaveProperty('Rules');
});

it('a changed token may at once what it says now, and nobody knows one that was destroyed', async () => {
  const id = await create({ ID: 'a-secret-of-my-own', Rules: 'key "" { policy = "write" }' });
  expect(id).toBe('a-secret-of-my-own');
  const put = async () => (await world.ask('PUT', '/v1/kv/k', { token: id, body: 'x' })).status;
  expect(await put()).toBe(200);
  expect(await text('PUT', '/v1/acl/update', { body: { ID: id, Rules: 'key "" { policy = "read" }' } })).toBe(
    `200 {"ID":"${id}"}`,
  );
  expect(await put()).toBe(403);
  expect(await text('PUT', `/v1/acl/destroy/${id}`)).toMatch(/^200 true/);
  expect(await text('PUT', `/v1/acl/destroy/${id}`)).toMatch(/^200 true/);
  expect(await info(id)).toEqual([]);
  expect((await world.ask('PUT', '/v1/kv/k', { token: id, body: 'x' })).text).toBe('ACL not found');
});

it('one of "management" may do everything', async () => {
  const id = await create({ Type: 'management' });
  expect((await world.ask('GET', '/v1/acl/list', { token: id })).status).toBe(200);
  const clone = (await world.ask('PUT', `/v1/acl/clone/${id}`)).json as { ID: string };
  expect(clone.ID).not.toBe(id);
  expect(await info(clone.ID)).toMatchObject([{ Type: 'management', Rules: '' }]);
  expect((await world.ask('GET', '/v1/acl/list', { token: clone.ID })).status).toBe(200);
});

it('the first token is seen here too, one of today’s kind is not, and cannot be changed', async () => {
  const { secret } = await world.tokenWith('key_prefix "" { policy = "read" }');
  const app = await create({ Name: 'app' });
  const list = (await world.ask('GET', '/v1/acl/list')).json as { ID: string }[];
  expect(list.map(({ ID }) => ID).sort()).toEqual([ROOT, app].sort());
  expect(await info(ROOT)).toMatchObject([{ ID: ROOT, Type: 'management' }]);
  expect(await info(secret)).toEqual([]);
  expect(await text('PUT', `/v1/acl/clone/${secret}`)).toBe('403 Permission denied');
  for (const id of [secret, ROOT, 'anonymous'])
    expect(await text('PUT', '/v1/acl/update', { body: { ID: id } })).toBe(
      '500 Cannot use legacy endpoint to modify a non-legacy token',
    );
});

it('a token that is given policies is none of this kind any more', async () => {
  const id = await create({ Rules: RULES });
  const { AccessorID } = (await world.ask('GET', '/v1/acl/token/self', { token: id })).json as {
    AccessorID: string;
  };
  expect(await text('PUT', `/v1/acl/token/${AccessorID}/clone`, { body: {} })).toBe(
    '500 Cannot clone a legacy ACL with this endpoint',
  );
  expect(
    (await world.ask('PUT', `/v1/acl/token/${AccessorID}`, { body: { Description: 'new' } })).status,
  ).toBe(200);
  expect(await info(id)).toEqual([]);
  expect((await world.ask('PUT', '/v1/kv/app/1', { token: id, body: 'x' })).status).toBe(403);
});

it('what is wrong is refused in Consul’s words', async () => {
  expect(await text('PUT', '/v1/acl/update', { body: {} })).toBe('400 ACL ID must be set');
  expect(await text('PUT', '/v1/acl/create', { body: '{' })).toMatch(/^400 Request decode failed: /);
  expect(await text('PUT', '/v1/acl/create', { body: { Type: 'x' } })).toBe('500 Invalid ACL Type');
  expect(await text('PUT', '/v1/acl/create', { body: { Rules: 'key "a" { policy = "x" }' } })).toMatch(
    /^500 ACL rule compilation failed: Invalid key policy/,
  );
  expect(await text('PUT', '/v1/acl/create', { body: { ID: 'manage' } })).toBe(
    '403 Permission denied: Cannot modify root ACL',
  );
  expect(await text('PUT', '/v1/acl/destroy/anonymous')).toBe(
    '403 Permission denied: Cannot delete anonymous token',
  );
  for (const path of ['destroy', 'clone'])
    expect(await text('PUT', `/v1/acl/${path}/`)).toBe('400 Missing ACL');
  expect(await text('GET', '/v1/acl/info/')).toBe('400 Missing ACL');
  const weak = (await world.tokenWith('acl = "read"')).secret;
  for (const [method, path] of [
    ['PUT', '/v1/acl/create'],
    ['PUT', '/v1/acl/update'],
    ['PUT', '/v1/acl/destroy/x'],
    ['PUT', '/v1/acl/clone/x'],
    ['GET', '/v1/acl/list'],
  ] as const)
    expect(await text(method, path, { token: weak })).toBe('403 Permission denied');
});

it('rules are kept over a read and translated for who asks', async () => {
  const id = await create({ Rules: 'key "a" { policy = "read" }' });
  const { AccessorID } = (await world.ask('GET', '/v1/acl/token/self', { token: id })).json as {
    AccessorID: string;
  };
  expect(await text('GET', `/v1/acl/rules/translate/${AccessorID}`)).toMatch(/^200 key_prefix "a"/);
  const { accessor } = await world.tokenWith('');
  expect(await text('GET', `/v1/acl/rules/translate/${accessor}`)).toBe(
    '500 The specified token does not have any rules set',
  );
});

it('secrets in paths are not logged', async () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', sink: (line) => lines.push(JSON.stringify(line)) });
  const quiet = await startApi({ context: { ...world.context, logger }, host: '127.0.0.1', port: 0 });
  try {
    const base = `http://127.0.0.1:${quiet.address.port}/v1/acl`;
    for (const path of ['info', 'clone', 'destroy'])
      await fetch(`${base}/${path}/a-secret?token=another`, { method: path === 'info' ? 'GET' : 'PUT' });
  } finally {
    await quiet.stop();
  }
  expect(lines.filter((line) => line.includes('<hidden>'))).toHaveLength(3);
  expect(lines.join()).not.toMatch(/a-secret|another/);
});
