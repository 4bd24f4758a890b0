import { afterEach, expect, it } from 'vitest';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';

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
