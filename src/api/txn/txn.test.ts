import { afterEach, expect, it } from 'vitest';
import { register } from '../../catalog/commands/register.ts';
import type { ApiContext } from '../context.ts';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';

let api: Api | undefined;
afterEach(() => api?.stop());

async function start(): Promise<{ context: ApiContext; send: (operations: unknown) => Promise<Response> }> {
  const { context } = testContext();
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${api.address.port}/v1/txn`;
  return { context, send: (operations) => fetch(url, { method: 'PUT', body: JSON.stringify(operations) }) };
}

const set = (Key: string, Value = 'eA==') => ({ KV: { Verb: 'set', Key, Value } });

it('is one commit: all operations have the same index', async () => {
  const { context, send } = await start();
  expect((await send([set('a'), set('b')])).status).toBe(200);
  expect(context.catalog.index).toBe(2);
  expect(context.catalog.all('kv').map(({ modifyIndex }) => modifyIndex)).toEqual([2, 2]);
});

it('an operation sees what those before it did', async () => {
  const { send } = await start();
  const answer = await send([
    set('a'),
    { KV: { Verb: 'delete', Key: 'a' } },
    { KV: { Verb: 'check-not-exists', Key: 'a' } },
  ]);
  expect(answer.status).toBe(200);
});

it('names every operation that fails and keeps nothing', async () => {
  const { context, send } = await start();
  const answer = await send([
    set('a'),
    { KV: { Verb: 'get', Key: 'none' } },
    { Service: { Verb: 'set', Node: 'nobody', Service: { Service: 'web' } } },
    // Says nothing, and does not count.
    {},
    { Check: { Verb: 'explode', Check: { Node: 'n', CheckID: 'c' } } },
  ]);
  expect(answer.status).toBe(409);
  expect(await answer.json()).toEqual({
    Results: null,
    Errors: [
      { OpIndex: 1, What: 'key "none" doesn\'t exist' },
      { OpIndex: 2, What: 'Missing node registration' },
      { OpIndex: 3, What: 'unknown Check verb "explode"' },
    ],
  });
  expect(context.catalog.index).toBe(1);
});

it('a critical check ends the sessions that hang on it', async () => {
  const { context, send } = await start();
  const node = {
    id: '',
    name: 'n',
    address: '10.0.0.1',
    datacenter: 'dc1',
    taggedAddresses: null,
    meta: null,
  };
  await context.store.write((tx) => register(tx, { node }));
  const check = (Status: string) => ({ Check: { Verb: 'set', Check: { Node: 'n', CheckID: 'c', Status } } });
  await send([check('passing')]);
  const base = `http://127.0.0.1:${api?.address.port}/v1/session/create`;
  await fetch(base, { method: 'PUT', body: JSON.stringify({ Node: 'n', NodeChecks: ['c'] }) });
  expect(context.catalog.count('sessions')).toBe(1);
  await send([check('critical')]);
  expect(context.catalog.count('sessions')).toBe(0);
});

it('gives a check of a node without tags, and a check of the catalog the type of its definition', async () => {
  const { send } = await start();
  const url = `http://127.0.0.1:${api?.address.port}/v1/catalog/register`;
  const Check = { CheckID: 'c', Status: 'passing', Definition: { TCP: '10.0.0.1:80', Interval: '5s' } };
  await fetch(url, { method: 'PUT', body: JSON.stringify({ Node: 'n', Address: '10.0.0.1', Check }) });
  const answer = await send([{ Check: { Verb: 'get', Check: { Node: 'n', CheckID: 'c' } } }]);
  expect(await answer.json()).toMatchObject({ Results: [{ Check: { Type: 'tcp', ServiceTags: null } }] });
});
