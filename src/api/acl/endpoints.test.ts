import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AclWorld, ROOT, startAclWorld } from './world.test-support.ts';

let world: AclWorld;
let resetIndex = 0;

beforeEach(async () => {
  world = await startAclWorld({ reset: () => resetIndex });
});
afterEach(() => world.stop());

const text = async (method: string, path: string, options?: Parameters<AclWorld['ask']>[2]) => {
  const answer = await world.ask(method, path, options);
  return `${answer.status} ${answer.text}`;
};

test('bootstrapping again takes the reset index', async () => {
  const refused = await text('PUT', '/v1/acl/bootstrap', { token: '' });
  const index = /^403 Permission denied: ACL bootstrap no longer allowed \(reset index: (\d+)\)$/.exec(
    refused,
  );
  resetIndex = Number(index?.[1]);
  const { status, json } = await world.ask('PUT', '/v1/acl/bootstrap', { token: '' });
  const made = json as { ID: string; SecretID: string };
  expect(status).toBe(200);
  expect(made.ID).toBe(made.SecretID);
  expect((await world.ask('GET', '/v1/acl/tokens', { token: made.ID })).status).toBe(200);
  expect(await text('PUT', '/v1/acl/bootstrap')).toMatch(
    /^403 Permission denied: Invalid bootstrap reset index/,
  );
});

describe('tokens', () => {
  test('those who may only read see no secrets', async () => {
    const { secret: token, accessor } = await world.tokenWith('acl = "read"');
    const read = async (by: string) =>
      ((await world.ask('GET', `/v1/acl/token/${accessor}`, { token: by })).json as { SecretID: string })
        .SecretID;
    expect(await read(token)).toBe('<hidden>');
    expect(await read(ROOT)).toBe(token);
    const list = await world.ask('GET', '/v1/acl/tokens', { token });
    expect(list.text).not.toContain(token);
    expect(list.text).not.toContain(ROOT);
  });

  test('have their accessor as it was given, and are found by it in any case', async () => {
    const given = '5EADBEEF-0000-4000-8000-0000000000AA';
    const path = `/v1/acl/token/${given.toLowerCase()}`;
    const accessorOf = async (...question: Parameters<AclWorld['ask']>) =>
      ((await world.ask(...question)).json as { AccessorID: string }).AccessorID;
    expect(await accessorOf('PUT', '/v1/acl/token', { body: { AccessorID: given } })).toBe(given);
    expect(await text('PUT', '/v1/acl/token', { body: { AccessorID: given.toLowerCase() } })).toMatch(
      /already in use/,
    );
    expect(await accessorOf('GET', path)).toBe(given);
    expect(await accessorOf('PUT', path, { body: { Description: 'other' } })).toBe(given);
    expect(await text('DELETE', `/v1/acl/token/${given}`)).toBe('200 true');
    expect(await text('GET', path)).toMatch(/^403/);
  });

  test('lists can be narrowed by policy and by role', async () => {
    const { policy, accessor } = await world.tokenWith('');
    const role = (await world.ask('PUT', '/v1/acl/role', { body: { Name: 'r', Policies: [{ ID: policy }] } }))
      .json as { ID: string };
    const other = (await world.ask('PUT', '/v1/acl/token', { body: { Roles: [{ Name: 'r' }] } })).json as {
      AccessorID: string;
    };
    const accessors = async (query: string) =>
      ((await world.ask('GET', `/v1/acl/tokens?${query}`)).json as { AccessorID: string }[]).map(
        ({ AccessorID }) => AccessorID,
      );
    expect(await accessors(`policy=${policy}`)).toEqual([accessor]);
    expect(await accessors(`role=${role.ID}`)).toEqual([other.AccessorID]);
    expect(await accessors('authmethod=any')).toEqual([]);
    expect((await world.ask('GET', `/v1/acl/roles?policy=${policy}`)).json).toMatchObject([{ ID: role.ID }]);
  });

  test('policies and roles that go away leave their tokens', async () => {
    const { policy, accessor } = await world.tokenWith('');
    const links = async () =>
      ((await world.ask('GET', `/v1/acl/token/${accessor}`)).json as { Policies?: unknown[] }).Policies;
    await world.ask('PUT', `/v1/acl/policy/${policy}`, { body: { Name: 'renamed', Rules: '' } });
    expect(await links()).toEqual([{ ID: policy, Name: 'renamed' }]);
    await world.ask('DELETE', `/v1/acl/policy/${policy}`);
    expect(await links()).toBeUndefined();
  });

  test('what cannot be is refused in Consul’s words', async () => {
    const { accessor } = await world.tokenWith('');
    expect(await text('PUT', '/v1/acl/token', { body: '{' })).toMatch(
      /^400 Bad request: Token decoding failed: /,
    );
    expect(await text('PUT', '/v1/acl/token', { body: { Policies: [{ Name: 'no' }] } })).toBe(
      '500 No such ACL policy with name "no"',
    );
    expect(await text('PUT', '/v1/acl/token', { body: { Rules: 'x' } })).toBe(
      '500 Rules cannot be specified for this token',
    );
    expect(await text('PUT', `/v1/acl/token/${accessor}`, { body: { AccessorID: 'other' } })).toBe(
      '400 Bad request: Token Accessor ID in URL and payload do not match',
    );
    expect(await text('GET', '/v1/acl/token/')).toBe('400 Bad request: Missing token ID');
    expect(await text('PUT', '/v1/acl/token/nobody/clone', { body: {} })).toBe('403 ACL not found');
    expect(await text('DELETE', '/v1/acl/token/nonsense')).toBe(
      '500 Accessor ID is missing or an invalid UUID',
    );
    const own = (await world.ask('GET', '/v1/acl/token/self')).json as { AccessorID: string };
    expect(await text('DELETE', `/v1/acl/token/${own.AccessorID}`)).toBe(
      "500 Deletion of the request's authorization token is not permitted",
    );
  });
});

test('roles: make, read, change, delete', async () => {
  const made = (
    await world.ask('PUT', '/v1/acl/role', {
      body: { Name: 'r', NodeIdentities: [{ NodeName: 'n', Datacenter: 'dc1' }] },
    })
  ).json as { ID: string };
  expect(made).toEqual({
    ID: made.ID,
    Name: 'r',
    Description: '',
    NodeIdentities: [{ NodeName: 'n', Datacenter: 'dc1' }],
    Hash: expect.any(String),
    CreateIndex: expect.any(Number),
    ModifyIndex: expect.any(Number),
  });
  expect((await world.ask('GET', '/v1/acl/role/name/R')).json).toEqual(made);
  expect(await text('PUT', '/v1/acl/role', { body: { Name: 'r' } })).toBe(
    '500 Invalid Role: A Role with Name "r" already exists',
  );
  const changed = await world.ask('PUT', `/v1/acl/role/${made.ID}`, { body: { Name: 's' } });
  expect(changed.json).toMatchObject({ ID: made.ID, Name: 's' });
  expect(await text('DELETE', `/v1/acl/role/${made.ID}`)).toMatch(/^200 true/);
  expect(await text('GET', `/v1/acl/role/${made.ID}`)).toBe('404 ');
  expect(await text('DELETE', `/v1/acl/role/${made.ID}`)).toMatch(/^200 true/);
});

test('what this server has none of', async () => {
  expect((await world.ask('GET', '/v1/acl/auth-methods')).json).toEqual([]);
  expect((await world.ask('GET', '/v1/acl/binding-rules')).json).toEqual([]);
  expect(await text('GET', '/v1/acl/auth-method/x')).toBe('404 ');
  expect(await text('POST', '/v1/acl/login', { token: '', body: { AuthMethod: 'x' } })).toBe(
    '403 ACL not found',
  );
  expect(await text('POST', '/v1/acl/logout')).toBe('403 Permission denied');
  expect((await world.ask('GET', '/v1/acl/replication', { token: '' })).json).toMatchObject({
    Enabled: false,
  });
});

test('legacy rules are translated', async () => {
  const rules = 'key "a" { policy = "read" }';
  expect(await text('POST', '/v1/acl/rules/translate', { body: rules })).toBe(
    '200 key_prefix "a" {\n  policy = "read"\n}',
  );
  expect(await text('POST', '/v1/acl/rules/translate', { body: 'key {' })).toMatch(/^400 .*At 1:6/);
});

test('the tokens of the agent can be set', async () => {
  const { secret } = await world.tokenWith('key_prefix "" { policy = "read" }');
  const read = async () => (await world.ask('GET', '/v1/kv/?recurse', { token: '' })).status;
  await world.ask('PUT', '/v1/kv/a', { body: 'x' });
  expect(await text('PUT', '/v1/agent/token/default', { token: '', body: { Token: secret } })).toBe(
    '403 Permission denied',
  );
  expect(await read()).toBe(404);
  expect(await text('PUT', '/v1/agent/token/default', { body: { Token: secret } })).toBe('200 ');
  expect(await read()).toBe(200);
  expect(await text('PUT', '/v1/agent/token/what', { body: { Token: '' } })).toBe(
    '404 Token "what" is unknown',
  );
});
