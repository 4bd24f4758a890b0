import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { register } from '../../catalog/commands/register.ts';
import type { ApiContext } from '../context.ts';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';

let api: Api;
let context: ApiContext;
beforeEach(async () => {
  ({ context } = testContext({}, { random: () => 0.5 }));
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
});
afterEach(() => api.stop());

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${api.address.port}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

async function create(query: unknown): Promise<string> {
  const answer = await send('POST', '/v1/query', query);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { ID: string }).ID;
}

const instance = (name: string, address: string, vec?: number) =>
  context.store.write((tx) => {
    register(tx, {
      node: { id: '', name, address, datacenter: 'dc1', taggedAddresses: null, meta: null },
      service: {
        id: 'web',
        name: 'web',
        kind: '',
        tags: [],
        address: '',
        taggedAddresses: null,
        meta: null,
        port: 80,
        socketPath: '',
        weights: { passing: 1, warning: 1 },
        enableTagOverride: false,
      },
    });
    if (vec === undefined) return;
    const place = { vec: [vec, 0, 0, 0, 0, 0, 0, 0], error: 1, adjustment: 0, height: 0 };
    tx.put('coordinates', { node: name, segment: '', ...place });
  });

async function nodesOf(path: string, headers?: Record<string, string>): Promise<string[]> {
  const answer = await send('GET', path, undefined, headers);
  const { Nodes } = (await answer.json()) as { Nodes: { Node: { Node: string } }[] };
  return Nodes.map(({ Node }) => Node.Node);
}

const web = { Name: 'q', Service: { Service: 'web' } };

describe('a prepared query over HTTP', () => {
  it('can be sent back as it was answered, and changed so', async () => {
    const id = await create({ ...web, Service: { Service: 'web', Tags: [] } });
    const [query] = (await (await send('GET', `/v1/query/${id}`)).json()) as [{ Service: object }];
    expect(query).toMatchObject({ Service: { Tags: [], NodeMeta: null }, CreateIndex: 2, ModifyIndex: 2 });
    const changed = { ...query, Service: { ...query.Service, OnlyPassing: true } };
    expect((await send('PUT', `/v1/query/${id.toUpperCase()}`, changed)).status).toBe(200);
    expect(context.catalog.get('queries', id)).toMatchObject({
      service: { onlyPassing: true },
      createIndex: 2,
      modifyIndex: 3,
    });
  });

  it.each([
    [{ Service: { Service: 'x' } }, 'Invalid prepared query: Must be bound to a session'],
    [
      { ...web, Token: '<hidden>' },
      "Invalid prepared query: Bad Token '<hidden>', it looks like a query definition with a redacted token was submitted",
    ],
    [
      { ...web, Service: { Service: 'x', Failover: { NearestN: -1 } } },
      "Invalid prepared query: Bad NearestN '-1', must be >= 0",
    ],
    [
      { ...web, Service: { Service: 'x', NodeMeta: { 'a b': '' } } },
      "Invalid prepared query: Couldn't load metadata pair ('a b', ''): Key contains invalid characters",
    ],
    [{ ...web, DNS: { TTL: '-2s' } }, "Invalid prepared query: DNS TTL '-2000000000', must be >=0"],
    [{ ...web, Session: 'x' }, 'raft apply failed: invalid session: index error: UUID must be 36 characters'],
    [
      { ...web, Template: { Type: 'name_prefix_match', Regexp: '(' } },
      'raft apply failed: failed compiling template: Bad Regexp: error parsing regexp: missing closing ): `(`',
    ],
  ])('%j is refused', async (query, message) => {
    const answer = await send('POST', '/v1/query', query);
    expect([answer.status, await answer.text()]).toEqual([500, message]);
    expect(context.catalog.count('queries')).toBe(0);
  });

  it.each([
    [
      'PUT',
      '/v1/query/x',
      'Prepared Query lookup failed: failed prepared query lookup: index error: UUID must be 36 characters',
    ],
    ['GET', '/v1/query/', 'failed prepared query lookup: index error: UUID must be 36 characters'],
    [
      'GET',
      '/v1/query/q/execute?limit=99999999999999999999',
      'Bad limit: strconv.Atoi: parsing "99999999999999999999": value out of range',
    ],
    [
      'GET',
      '/v1/query/q/execute?connect=maybe',
      'Error parsing \'connect\' value: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    ['GET', '/v1/query/q/execute?dc=dc2', 'No path to datacenter'],
  ])('%s %s is refused', async (method, path, message) => {
    const answer = await send(method, path, method === 'PUT' ? web : undefined);
    expect([answer.status, await answer.text()]).toEqual([500, message]);
  });

  it('is asked by name, also by one with slashes or that is a word of the path', async () => {
    await instance('a', '10.0.0.1');
    for (const Name of ['q', 'a/b', 'execute']) {
      await create({ ...web, Name });
      expect(await nodesOf(`/v1/query/${Name === 'execute' ? '' : `${Name}/`}execute`)).toEqual(['a']);
    }
    expect((await send('GET', '/v1/query/none/execute')).status).toBe(404);
  });

  it('tells the cached answers apart, and whether anybody speaks the mesh', async () => {
    await instance('a', '10.0.0.1');
    await create(web);
    const cache = async () => (await send('GET', '/v1/query/q/execute?cached')).headers.get('x-cache');
    expect([await cache(), await cache()]).toEqual(['MISS', 'HIT']);
    expect(await nodesOf('/v1/query/q/execute?connect=true')).toEqual([]);
    expect(await nodesOf('/v1/query/q/execute?connect=0')).toEqual(['a']);
  });

  it('is explained with its template filled in, and cannot be run by the ID of a template', async () => {
    const Template = { Type: 'name_prefix_match', Regexp: '^geo-(.*)$' };
    const id = await create({ Name: 'geo-', Template, Service: { Service: `\${match(1)}` } });
    const answer = await (await send('GET', '/v1/query/GEO-web/explain')).json();
    expect(answer).toMatchObject({ Query: { ID: id, Name: 'geo-', Service: { Service: '' } } });
    expect(await (await send('GET', '/v1/query/geo-web/explain')).json()).toMatchObject({
      Query: { Service: { Service: 'web' } },
    });
    const refused = await send('GET', `/v1/query/${id}/execute`);
    expect([refused.status, await refused.text()]).toEqual([
      500,
      'prepared query templates can only be resolved up by name, not by ID',
    ]);
  });

  it('orders by nearness: of the asker, of the query, of the address', async () => {
    await instance('far', '127.0.0.1', 3);
    await instance('mid', '10.0.0.2', 2);
    await instance('near', '10.0.0.3', 1);
    await create({ ...web, Service: { Service: 'web', Near: '_ip' } });
    await create({ ...web, Name: 'agent', Service: { Service: 'web', Near: '_agent' } });
    expect(await nodesOf('/v1/query/q/execute')).toEqual(['far', 'mid', 'near']);
    expect(await nodesOf('/v1/query/q/execute', { 'X-Forwarded-For': '10.0.0.3, 1.2.3.4' })).toEqual([
      'near',
      'mid',
      'far',
    ]);
    expect(await nodesOf('/v1/query/q/execute?near=mid&limit=1')).toEqual(['mid']);
    expect(await nodesOf('/v1/query/agent/execute')).toEqual(['near', 'mid', 'far']);
  });

  it('is answered in another order each time where nothing is said of one', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await instance(name, '10.0.0.1');
    await create(web);
    const orders = new Set<string>();
    let seed = 0;
    Object.assign(context, { random: () => (seed++ * 0.37) % 1 });
    for (let i = 0; i < 20; i++) orders.add((await nodesOf('/v1/query/q/execute')).join(''));
    expect(orders.size).toBeGreaterThan(3);
  });

  it('wakes those who wait for a change of it', async () => {
    const id = await create(web);
    const waiting = send('GET', `/v1/query/${id}?index=2&wait=10s`);
    await send('PUT', `/v1/query/${id}`, { ...web, Name: 'r' });
    expect(await (await waiting).json()).toMatchObject([{ Name: 'r', ModifyIndex: 3 }]);
    const gone = send('GET', `/v1/query/${id}?index=3&wait=10s`);
    await send('DELETE', `/v1/query/${id}`);
    expect((await gone).status).toBe(404);
    // Who asks for what is not there is told at once.
    expect((await send('GET', `/v1/query/${id}?index=9&wait=10s`)).status).toBe(404);
  });
});
