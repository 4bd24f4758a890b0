import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { kvSet } from '../catalog/commands/kv.ts';
import { ManualClock } from '../lib/clock.ts';
import { soon } from '../lib/soon.test-support.ts';
import { blockingTime } from './blocking.ts';
import { type ApiContext, DEFAULT_API_SETTINGS } from './context.ts';
import { type Api, startApi } from './server.ts';
import { testContext } from './test-context.ts';

let api: Api | undefined;
afterEach(async () => {
  await api?.stop();
  api = undefined;
});

async function start(parts: Partial<ApiContext> = {}): Promise<{ context: ApiContext; url: string }> {
  const { context } = testContext({}, parts);
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
  return { context, url: `http://127.0.0.1:${api.address.port}` };
}

const set = ({ store }: ApiContext, key: string, value: string) =>
  store.write((tx) => kvSet(tx, { key, value: Buffer.from(value), flags: 0n }));

const waiters = ({ catalog }: ApiContext, count: number) =>
  soon(() => expect(catalog.watches.size).toBe(count));

const indexOf = (response: Response) => Number(response.headers.get('x-consul-index'));

describe('how long a read blocks', () => {
  it.each([
    [0, 0, 300_000],
    [10_000, 0, 10_000],
    [16_000, 1, 17_000],
    [3_600_000, 0, 600_000],
    [0, 0.5, 309_375],
  ])('wait %d, random %d: %d ms', (wait, random, ms) => {
    expect(blockingTime(wait, random, DEFAULT_API_SETTINGS)).toBe(ms);
  });

  it('is what the settings say', () => {
    const settings = { defaultWait: 20_000, maxWait: 30_000 };
    expect([0, 10_000, 60_000].map((wait) => blockingTime(wait, 0, settings))).toEqual([
      20_000, 10_000, 30_000,
    ]);
  });
});

describe('a blocking query', () => {
  it.each(['-1', '1e3', '18446744073709551616'])('for the index %s is refused', async (index) => {
    const { url } = await start();
    const answer = await fetch(`${url}/v1/kv/a?index=${index}`);
    expect([answer.status, await answer.text()]).toEqual([400, 'Invalid index']);
  });

  it('is answered in the tick of the write, with the new value and index', async () => {
    const { context, url } = await start();
    await set(context, 'a', '1');
    const index = indexOf(await fetch(`${url}/v1/kv/a`));
    const blocked = fetch(`${url}/v1/kv/a?raw&index=${index}`);
    await waiters(context, 1);
    await set(context, 'b', 'other');
    expect(context.catalog.watches.size).toBe(1);
    await set(context, 'a', '2');
    const answer = await blocked;
    expect(await answer.text()).toBe('2');
    expect(indexOf(answer)).toBeGreaterThan(index);
    expect(context.catalog.watches.size).toBe(0);
  });

  it('is not woken by a write that changes nothing', async () => {
    const { context, url } = await start();
    await set(context, 'a', '1');
    const index = indexOf(await fetch(`${url}/v1/kv/a`));
    const blocked = fetch(`${url}/v1/kv/a?raw&index=${index}`);
    await waiters(context, 1);
    await set(context, 'a', '1');
    expect(context.catalog.watches.size).toBe(1);
    await set(context, 'a', '3');
    expect(await (await blocked).text()).toBe('3');
  });

  it('a list of a prefix wakes with a deletion below it', async () => {
    const { context, url } = await start();
    await set(context, 'p/a', '1');
    await set(context, 'p/b', '1');
    const index = indexOf(await fetch(`${url}/v1/kv/p/?keys`));
    const blocked = fetch(`${url}/v1/kv/p/?keys&index=${index}`);
    await waiters(context, 1);
    await fetch(`${url}/v1/kv/p/a`, { method: 'DELETE' });
    const answer = await blocked;
    expect(await answer.json()).toEqual(['p/b']);
    expect(indexOf(answer)).toBeGreaterThan(index);
  });

  it('ends after its wait with the same index', async () => {
    const clock = new ManualClock(1_000_000);
    const { context, url } = await start({ clock, random: () => 0.5 });
    await set(context, 'a', '1');
    const index = indexOf(await fetch(`${url}/v1/kv/a`));
    const blocked = fetch(`${url}/v1/kv/a?index=${index}&wait=16s`);
    await waiters(context, 1);
    clock.advance(16_499);
    expect(context.catalog.watches.size).toBe(1);
    clock.advance(1);
    expect(indexOf(await blocked)).toBe(index);
  });

  it('a client that goes away frees its waiter', async () => {
    const { context, url } = await start();
    const gone = httpRequest(`${url}/v1/catalog/nodes?index=1`);
    gone.on('error', () => {});
    gone.end();
    await waiters(context, 1);
    gone.destroy();
    await waiters(context, 0);
  });

  it('is answered when the server stops', async () => {
    const { context, url } = await start();
    const blocked = fetch(`${url}/v1/catalog/nodes?index=1`);
    await waiters(context, 1);
    await api?.stop();
    expect((await blocked).status).toBe(200);
  });

  it('too many at a time are refused, and the others go on', async () => {
    const { context, url } = await start();
    Object.defineProperty(context.catalog.watches, 'size', { value: 50_000 });
    const refused = await fetch(`${url}/v1/catalog/nodes?index=1`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await fetch(`${url}/v1/catalog/nodes`)).status).toBe(200);
  });
});
