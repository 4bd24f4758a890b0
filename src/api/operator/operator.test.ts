import { afterEach, expect, it } from 'vitest';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';
import { conditionOf, quorumOf } from './servers.ts';

let api: Api | undefined;
afterEach(() => api?.stop());

it('the autopilot configuration is kept, and changed only at the index that was seen', async () => {
  const { context } = testContext();
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${api.address.port}/v1/operator/autopilot/configuration`;
  const put = async (body: object, query = '') =>
    (await fetch(`${url}${query}`, { method: 'PUT', body: JSON.stringify(body) })).json();
  const get = async () => (await (await fetch(url)).json()) as Record<string, unknown>;
  expect(await get()).toMatchObject({ MinQuorum: 0, LastContactThreshold: '200ms', ModifyIndex: 0 });
  expect(await put({ MinQuorum: 3, LastContactThreshold: '1s' }, '?cas=0')).toBe(true);
  const seen = await get();
  expect(seen).toMatchObject({ MinQuorum: 3, LastContactThreshold: '1s', ServerStabilizationTime: '10s' });
  expect(await put({ MinQuorum: 5 }, '?cas=0')).toBe(false);
  // One below nothing, as Go's clients write it.
  expect(await put({ MinQuorum: 5 }, '?cas=18446744073709551615')).toBe(false);
  expect(await get()).toEqual(seen);
  expect((await fetch(url, { method: 'PUT', body: '{"Colour":1}' })).status).toBe(400);
});

it('a server that hears of no majority is not well, and each is told with its own version and index', () => {
  const { context } = testContext();
  const one = { address: '10.0.0.1:8300', leader: false, voter: true, alive: true };
  const servers = [
    { ...one, id: '1', name: 'n1', leader: true, hears: true, version: '1.2.3', index: 7 },
    { ...one, id: '2', name: 'n2', hears: false, version: '1.2.4', index: 5 },
    // Of a version that does not tell.
    { ...one, id: '3', name: 'n3' },
  ];
  expect(quorumOf(servers)).toEqual({ healthy: false, failureTolerance: 0 });
  expect(quorumOf(servers.map((server) => ({ ...server, hears: true })))).toMatchObject({ healthy: true });
  expect(servers.map((server) => conditionOf(server, context))).toMatchObject([
    { Healthy: true, Version: '1.2.3', LastIndex: 7 },
    { Healthy: false, Version: '1.2.4', LastIndex: 5 },
    { Healthy: true, Version: context.node.version, LastIndex: context.catalog.index },
  ]);
});
