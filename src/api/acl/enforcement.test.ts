import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeyHistory } from '../../catalog/key-history.ts';
import { endpoints } from '../endpoints.ts';
import type { ClusterAnswer } from '../muster/wire-answers.ts';
import { startApi } from '../server.ts';
import { type AclWorld, ROOT, startAclWorld } from './world.test-support.ts';

let world: AclWorld;

beforeAll(async () => {
  world = await startAclWorld();
  const { ask } = world;
  const instance = (node: string, service: string) => ({
    Node: node,
    Address: '10.0.0.1',
    Service: { Service: service },
    Checks: [{ CheckID: `c-${service}`, Name: 'c', ServiceID: service, Status: 'passing' }],
  });
  await ask('PUT', '/v1/catalog/register', { body: instance('n1', 'web') });
  await ask('PUT', '/v1/catalog/register', { body: instance('n1', 'db') });
  await ask('PUT', '/v1/catalog/register', { body: instance('n2', 'web') });
  for (const key of ['a/1', 'a/2', 'b/1']) await ask('PUT', `/v1/kv/${key}`, { body: 'x' });
});

afterAll(() => world.stop());

describe('every endpoint', () => {
  test('refuses a token that nobody knows, but for those that are open to all', async () => {
    for (const { method, path, needs } of endpoints) {
      if (needs === 'nothing') continue;
      const { status, text } = await world.ask(method, path.replaceAll(/:(\w+)/g, 'x'), { token: 'who' });
      expect(`${method} ${path} ${status} ${text}`).toBe(`${method} ${path} 403 ACL not found`);
    }
  });

  test('refuses who has no rights, where it asks for one right only', async () => {
    for (const { method, path, needs } of endpoints) {
      if (needs === 'nothing' || needs === 'filtered' || needs === 'checked') continue;
      const { status, text } = await world.ask(method, path.replaceAll(/:(\w+)/g, 'x'), { token: '' });
      expect(`${method} ${path} ${status} ${text}`).toBe(`${method} ${path} 403 Permission denied`);
    }
  });
});

describe('the catalog', () => {
  test('lists show what the token may see', async () => {
    const { secret: token } = await world.tokenWith(
      'service "web" { policy = "read" } node "n1" { policy = "read" }',
    );
    const json = async (path: string) => (await world.ask('GET', path, { token })).json;
    expect(await json('/v1/catalog/nodes')).toMatchObject([{ Node: 'n1' }]);
    expect(await json('/v1/catalog/services')).toEqual({ web: [] });
    expect(await json('/v1/catalog/service/web')).toMatchObject([{ Node: 'n1' }]);
    expect(await json('/v1/catalog/service/db')).toEqual([]);
    expect(Object.keys(((await json('/v1/catalog/node/n1')) as { Services: object }).Services)).toEqual([
      'web',
    ]);
    expect(await json('/v1/catalog/node/n2')).toBeNull();
    expect(await json('/v1/catalog/node-services/n2')).toEqual({ Node: null, Services: null });
    expect(await json('/v1/health/service/web')).toHaveLength(1);
    expect(await json('/v1/health/checks/web')).toMatchObject([{ Node: 'n1' }]);
    expect(await json('/v1/health/node/n2')).toEqual([]);
    expect(await json('/v1/health/state/any')).toMatchObject([{ CheckID: 'c-web', Node: 'n1' }]);
    expect(await json('/v1/internal/ui/services')).toMatchObject([{ Name: 'web', InstanceCount: 1 }]);
    expect(await json('/v1/internal/ui/nodes')).toMatchObject([{ Node: 'n1', Services: [{ ID: 'web' }] }]);
    expect((await world.ask('GET', '/v1/internal/ui/node/n2', { token })).status).toBe(404);
  });

  test('registering takes the right to the service, to the node only when it changes', async () => {
    const { secret: token } = await world.tokenWith('service "api" { policy = "write" }');
    const register = async (body: object) => {
      const { status, text } = await world.ask('PUT', '/v1/catalog/register', { token, body });
      return `${status} ${text}`;
    };
    const denied = '403 Permission denied';
    const n1 = { Node: 'n1', Address: '10.0.0.1' };
    expect(await register({ ...n1, Service: { Service: 'api' } })).toMatch(/^200/);
    expect(await register({ ...n1, Address: '10.9.9.9', Service: { Service: 'api' } })).toBe(denied);
    expect(await register({ Node: 'n9', Address: '10.0.0.1', Service: { Service: 'api' } })).toBe(denied);
    // The ID of somebody else's instance.
    expect(await register({ ...n1, Service: { ID: 'web', Service: 'api' } })).toBe(denied);
    expect(await register({ ...n1, Check: { Name: 'x', ServiceID: 'web' } })).toBe(denied);
    expect(await register({ ...n1, Check: { CheckID: 'c-web', Name: 'x', ServiceID: 'api' } })).toBe(denied);
    expect(await register({ ...n1, Check: { Name: 'node' } })).toBe(denied);
    expect(await register({ ...n1, Check: { Name: 'own', ServiceID: 'api' } })).toMatch(/^200/);
    expect(await register({ ...n1, Check: { Name: 'x', ServiceID: 'no' } })).toMatch(/^500 Unknown service/);
  });

  test('names cannot be got round by writing them in another case', async () => {
    const { secret: token } = await world.tokenWith(
      'service_prefix "" { policy = "write" } service "web" { policy = "deny" } node_prefix "" { policy = "write" } node "n1" { policy = "read" }',
    );
    const put = (path: string, body: object) => world.ask('PUT', path, { token, body });
    const service = { Node: 'n1', Address: '10.0.0.1', Service: { ID: 'w9', Service: 'WEB' } };
    expect((await put('/v1/catalog/register', service)).status).toBe(403);
    expect((await put('/v1/catalog/register', { Node: 'N1', Address: '10.6.6.6' })).status).toBe(403);
    expect((await put('/v1/catalog/deregister', { Node: 'N1' })).status).toBe(403);
  });

  test('deregistering takes the right to what is taken away, or to the node', async () => {
    const { ask, tokenWith } = world;
    await ask('PUT', '/v1/catalog/register', {
      body: { Node: 'n3', Address: '10.0.0.3', Service: { Service: 'mine' } },
    });
    const service = (await tokenWith('service "mine" { policy = "write" }')).secret;
    const node = (await tokenWith('node "n3" { policy = "write" }')).secret;
    const deregister = async (token: string, body: object) =>
      (await ask('PUT', '/v1/catalog/deregister', { token, body })).status;
    expect(await deregister(service, { Node: 'n1', ServiceID: 'web' })).toBe(403);
    expect(await deregister(service, { Node: 'n3' })).toBe(403);
    expect(await deregister(service, { Node: 'n3', ServiceID: 'mine' })).toBe(200);
    expect(await deregister(node, { Node: 'n3' })).toBe(200);
  });
});

describe('keys', () => {
  test('deleting below a prefix takes the right to all of it', async () => {
    const { secret: token } = await world.tokenWith(
      'key_prefix "a/" { policy = "write" } key "a/2" { policy = "read" }',
    );
    expect((await world.ask('DELETE', '/v1/kv/a/?recurse', { token })).text).toBe('Permission denied');
    expect((await world.ask('DELETE', '/v1/kv/?recurse', { token })).status).toBe(403);
    expect((await world.ask('DELETE', '/v1/kv/a/1x?recurse', { token })).status).toBe(200);
    expect((await world.ask('GET', '/v1/kv/?keys', { token })).json).toEqual(['a/1', 'a/2']);
    expect((await world.ask('GET', '/v1/kv/?recurse', { token })).json).toHaveLength(2);
  });

  test('what a key was is told to those who may read it, and to nobody else', async () => {
    const { catalog, clock } = world.context;
    const keyHistory = new KeyHistory({ catalog, clock, maxBytes: 10_000 });
    const api = await startApi({ context: { ...world.context, keyHistory }, host: '127.0.0.1', port: 0 });
    const ask = async (key: string, token: string) => {
      const response = await fetch(
        `http://127.0.0.1:${api.address.port}/v1/muster/history/key?key=${encodeURIComponent(key)}`,
        { headers: { 'X-Consul-Token': token } },
      );
      return { status: response.status, text: await response.text() };
    };
    try {
      for (const key of ['h/mine', 'h/theirs'])
        for (const body of ['first', 'second']) await world.ask('PUT', `/v1/kv/${key}`, { body });
      await world.ask('DELETE', '/v1/kv/h/theirs');
      const { secret: reader } = await world.tokenWith('key "h/mine" { policy = "read" }');
      const mine = await ask('h/mine', reader);
      expect(mine.status).toBe(200);
      expect(JSON.parse(mine.text).versions.map(({ value }: { value: string }) => atob(value))).toEqual([
        'second',
        'first',
      ]);
      const { secret: weak } = await world.tokenWith('node_prefix "" { policy = "read" }');
      // A key that is gone, and one that never was, are refused in the same words.
      for (const [key, token] of [
        ['h/theirs', reader],
        ['h/never', reader],
        ['h/mine', weak],
        ['h/mine', ''],
      ] as const)
        expect(await ask(key, token)).toEqual({ status: 403, text: 'Permission denied' });
      expect((await ask('h/mine', 'nobody-knows-this')).status).toBe(403);
      expect((await ask('h/theirs', ROOT)).status).toBe(200);
    } finally {
      keyHistory.stop();
      await api.stop();
    }
  });

  test('each operation of a transaction is asked about', async () => {
    const { secret: token } = await world.tokenWith(
      'key_prefix "t/" { policy = "write" } key_prefix "a/" { policy = "read" }',
    );
    const txn = (...operations: object[]) => world.ask('PUT', '/v1/txn', { token, body: operations });
    const kv = (Verb: string, Key: string) => ({ KV: { Verb, Key, Value: 'eA==' } });
    expect((await txn(kv('set', 't/1'), kv('set', 'a/1'), kv('delete-tree', ''))).json).toEqual({
      Results: null,
      Errors: [
        { OpIndex: 1, What: 'Permission denied' },
        { OpIndex: 2, What: 'Permission denied' },
      ],
    });
    expect((await world.ask('GET', '/v1/kv/t/1')).status).toBe(404);
    // What it may not read is left out of the answer.
    expect((await txn(kv('get-tree', 'a'), kv('get-tree', 's'))).json).toMatchObject({
      Results: [{ KV: { Key: 'a/1' } }, { KV: { Key: 'a/2' } }],
    });
    const node = { Node: { Verb: 'set', Node: { Node: 'n1', Address: '10.6.6.6' } } };
    const service = { Service: { Verb: 'set', Node: 'n1', Service: { Service: 'web' } } };
    const check = {
      Check: { Verb: 'delete', Check: { Node: 'n1', CheckID: 'c-web', ServiceName: 'other' } },
    };
    for (const one of [node, service, check]) expect((await txn(one)).status).toBe(409);
    expect((await txn({ Node: { Verb: 'get', Node: { Node: 'n1' } } })).json).toMatchObject({ Results: [] });
  });

  test('with the policy for lists, listing takes the right to list', async () => {
    const strict = await startAclWorld({ enableKeyListPolicy: true });
    try {
      await strict.ask('PUT', '/v1/kv/a', { body: 'x' });
      const { secret: reader } = await strict.tokenWith('key_prefix "" { policy = "read" }');
      const { secret: lister } = await strict.tokenWith('key_prefix "" { policy = "list" }');
      expect((await strict.ask('GET', '/v1/kv/?keys', { token: reader })).status).toBe(403);
      expect((await strict.ask('GET', '/v1/kv/?recurse', { token: lister })).status).toBe(200);
    } finally {
      await strict.stop();
    }
  });
});

describe('rights that change', () => {
  test('a new policy counts for the very next request, and for a read that is waiting', async () => {
    const { ask, tokenWith } = world;
    const { secret: token, policy, accessor } = await tokenWith('key_prefix "w/" { policy = "read" }');
    await ask('PUT', '/v1/kv/w/1', { body: 'secret' });
    const { headers, status } = await ask('GET', '/v1/kv/w/1', { token });
    expect(status).toBe(200);
    const waiting = ask('GET', `/v1/kv/w/1?index=${headers.get('x-consul-index')}`, { token });
    while (world.context.catalog.watches.size === 0) await new Promise((resolve) => setImmediate(resolve));
    await ask('PUT', `/v1/acl/policy/${policy}`, { body: { Name: 'now-none', Rules: '' } });
    expect((await ask('GET', '/v1/kv/w/1', { token })).status).toBe(403);
    await ask('PUT', '/v1/kv/w/1', { body: 'newer' });
    expect(await waiting).toMatchObject({ status: 403, text: 'Permission denied' });
    await ask('DELETE', `/v1/acl/token/${accessor}`);
    expect((await ask('GET', '/v1/kv/w/1', { token })).text).toBe('ACL not found');
  });
});

describe('sessions, events, queries and config entries', () => {
  test('sessions are those of nodes', async () => {
    const { ask, tokenWith } = world;
    const { secret: token } = await tokenWith('session "n1" { policy = "write" }');
    const create = (Node: string, by = token) =>
      ask('PUT', '/v1/session/create', { token: by, body: { Node, NodeChecks: [] } });
    const own = ((await create('n1')).json as { ID: string }).ID;
    expect((await create('n2')).status).toBe(403);
    const other = ((await create('n2', ROOT)).json as { ID: string }).ID;
    expect((await ask('GET', '/v1/session/list', { token })).json).toMatchObject([{ ID: own }]);
    const looker = await tokenWith(`
      operator = "read"
      service_prefix "" { policy = "read" }
      node_prefix "" { policy = "read" }
      key_prefix "" { policy = "read" }
      session "n1" { policy = "read" }`);
    expect((await ask('GET', '/v1/muster/sessions', { token: looker.secret })).json).toMatchObject([
      { id: own },
    ]);
    expect((await ask('GET', `/v1/session/info/${other}`, { token })).json).toEqual([]);
    expect((await ask('GET', '/v1/session/node/n2', { token })).json).toEqual([]);
    expect((await ask('PUT', `/v1/session/renew/${other}`, { token })).status).toBe(403);
    expect((await ask('PUT', `/v1/session/destroy/${other}`, { token })).status).toBe(403);
    expect((await ask('PUT', `/v1/session/destroy/${own}`, { token })).status).toBe(200);
  });

  test('events by their names', async () => {
    const { ask, tokenWith } = world;
    const { secret: token } = await tokenWith('event "deploy" { policy = "write" }');
    expect((await ask('PUT', '/v1/event/fire/deploy', { token })).status).toBe(200);
    expect((await ask('PUT', '/v1/event/fire/other', { token })).status).toBe(403);
    await ask('PUT', '/v1/event/fire/other');
    expect((await ask('GET', '/v1/event/list', { token })).json).toMatchObject([{ Name: 'deploy' }]);
    expect((await ask('GET', '/v1/muster/events', { token })).json).toMatchObject([{ name: 'deploy' }]);
  });

  test('prepared queries by their names; run with the token that they bring', async () => {
    const { ask, tokenWith } = world;
    const { secret: token } = await tokenWith('query_prefix "q-" { policy = "write" }');
    const seeing = (await tokenWith('service "web" { policy = "read" } node_prefix "" { policy = "read" }'))
      .secret;
    const make = (Name: string, Token = '') =>
      ask('POST', '/v1/query', { token, body: { Name, Token, Service: { Service: 'web' } } });
    expect((await make('other')).status).toBe(403);
    const plain = ((await make('q-plain')).json as { ID: string }).ID;
    const bringing = ((await make('q-bringing', seeing)).json as { ID: string }).ID;
    const nodes = async (id: string) =>
      ((await ask('GET', `/v1/query/${id}/execute`, { token })).json as { Nodes: unknown[] }).Nodes.length;
    expect(await nodes(plain)).toBe(0);
    expect(await nodes(bringing)).toBe(2);
    expect((await ask('GET', `/v1/query/${bringing}`, { token })).json).toMatchObject([
      { Token: '<hidden>' },
    ]);
    expect((await ask('GET', `/v1/query/${bringing}`)).json).toMatchObject([{ Token: seeing }]);
    expect((await ask('GET', '/v1/query', { token: '' })).json).toEqual([]);
    expect((await ask('GET', `/v1/query/${plain}`, { token: '' })).status).toBe(403);
    expect((await ask('GET', `/v1/query/${plain}/explain`, { token: '' })).status).toBe(403);
    // They were listed for who manages ACLs, and refused one by one.
    const { secret: manager } = await tokenWith('acl = "write"');
    expect((await ask('GET', '/v1/query', { token: manager })).json).toHaveLength(2);
    expect((await ask('GET', `/v1/query/${plain}`, { token: manager })).status).toBe(200);
    expect((await ask('GET', `/v1/query/${plain}/explain`, { token: manager })).status).toBe(200);
    expect((await ask('DELETE', `/v1/query/${plain}`, { token: '' })).status).toBe(403);
    expect((await ask('DELETE', `/v1/query/${plain}`, { token })).status).toBe(200);
  });

  test('config entries are those of services, or for operators', async () => {
    const { ask, tokenWith } = world;
    const { secret: token } = await tokenWith('service "web" { policy = "write" }');
    const put = async (Kind: string, Name: string) =>
      (await ask('PUT', '/v1/config', { token, body: { Kind, Name } })).status;
    expect(await put('service-defaults', 'web')).toBe(200);
    expect(await put('service-defaults', 'db')).toBe(403);
    expect(await put('proxy-defaults', 'global')).toBe(403);
    expect((await ask('GET', '/v1/config/service-defaults/web', { token: '' })).status).toBe(403);
    expect((await ask('GET', '/v1/config/service-defaults', { token: '' })).json).toEqual([]);
    expect((await ask('DELETE', '/v1/config/service-defaults/web', { token: '' })).status).toBe(403);
  });
});

test('the cluster is for operators, and shows the nodes that the token may read', async () => {
  const { name } = world.context.node;
  const seen = async (rules: string) => {
    const { secret: token } = await world.tokenWith(rules);
    const { status, json } = await world.ask('GET', '/v1/muster/cluster', { token });
    return status === 200 ? (json as ClusterAnswer).members.map((member) => member.name) : status;
  };
  const node = `node "${name}" { policy = "read" }`;
  expect(await seen(node)).toBe(403);
  expect(await seen('operator = "read"')).toEqual([]);
  expect(await seen(`operator = "read" ${node}`)).toEqual([name]);
});

test('the overview of everything takes the right to see everything', async () => {
  const status = async (rules: string) =>
    (await world.ask('GET', '/v1/muster/overview', { token: (await world.tokenWith(rules)).secret })).status;
  const all = ['service_prefix', 'node_prefix', 'key_prefix'].map((kind) => `${kind} "" { policy = "read" }`);
  expect(await status(`operator = "read" ${all.join(' ')} service "db" { policy = "deny" }`)).toBe(403);
  expect(await status(all.join(' '))).toBe(403);
  // There is no dashboard in this test: it is the handler that says so.
  expect(await status(`operator = "read" ${all.join(' ')}`)).toBe(404);
});

test('what nobody forbids is allowed by default, but for managing ACLs', async () => {
  const open = await startAclWorld({ defaultPolicy: 'allow' });
  try {
    const put = await open.ask('PUT', '/v1/kv/x', { token: '', body: 'x' });
    expect(put.status).toBe(200);
    expect(put.headers.get('x-consul-default-acl-policy')).toBe('allow');
    expect((await open.ask('GET', '/v1/acl/tokens', { token: '' })).status).toBe(403);
    expect((await open.ask('GET', '/v1/snapshot', { token: '' })).status).toBe(403);
  } finally {
    await open.stop();
  }
});
