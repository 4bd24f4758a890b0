import { afterEach, expect, it, vi } from 'vitest';
import { register } from '../../catalog/commands/register.ts';
import { EventLog } from '../../cluster/event-log.ts';
import type { EventView } from '../muster/wire-answers.ts';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';

let api: Api | undefined;
afterEach(() => api?.stop());

async function start() {
  const { context } = testContext();
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${api.address.port}/v1/event`;
  const fire = (path: string, body = '') => fetch(`${url}/fire/${path}`, { method: 'PUT', body });
  const names = async (query = '') => {
    const list = (await (await fetch(`${url}/list${query}`)).json()) as { Name: string }[];
    return list.map(({ Name }) => Name);
  };
  return { context, url, fire, names };
}

it('reaches this node only when the filters let it', async () => {
  const { context, fire, names } = await start();
  const service = {
    id: 'web',
    name: 'web',
    kind: '',
    tags: ['blue'],
    address: '',
    taggedAddresses: null,
    meta: null,
    port: 80,
    socketPath: '',
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
  };
  const { name } = context.node;
  const node = { id: '', name, address: '10.0.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
  await context.store.write((tx) => register(tx, { node, service }));
  for (const path of [
    'a?node=^test-',
    'b?node=other',
    'c?service=web&tag=^blue$',
    'd?service=web&tag=red',
    'e?service=db',
  ])
    expect((await fire(path)).status).toBe(200);
  expect(await names()).toEqual(['a', 'c']);
  expect(await names('?name=c')).toEqual(['c']);
});

it('tells when it came, newest first', async () => {
  const { url, context, fire } = await start();
  await fire('a', 'one');
  await fire('b?node=^test-');
  const seen = (await (await fetch(url.replace('/event', '/muster/events'))).json()) as EventView[];
  expect(seen).toMatchObject([
    { name: 'b', payload: '', size: 0, node: '^test-' },
    { name: 'a', payload: 'b25l', size: 3, node: '', order: 1 },
  ]);
  expect(seen[1]?.receivedAt).toBe(context.events.list('a')[0]?.receivedAt);
});

it('a blocked list returns with the next event of its name', async () => {
  const { url, fire } = await start();
  await fire('a');
  const index = (await fetch(`${url}/list?name=a`)).headers.get('x-consul-index');
  let answered = false;
  const blocked = fetch(`${url}/list?name=a&index=${index}`).finally(() => {
    answered = true;
  });
  await fire('other');
  expect(answered).toBe(false);
  await fire('a', 'payload');
  const answer = await blocked;
  expect(answer.headers.get('x-consul-index')).not.toBe(index);
  expect(await answer.json()).toMatchObject([{ Payload: null }, { Payload: 'cGF5bG9hZA==' }]);
});

it('a payload that is too large is refused', async () => {
  const { fire } = await start();
  expect((await fire('a', 'x'.repeat(10_000))).status).toBe(413);
});

it('keeps the last 256 and lets go of who no longer waits', async () => {
  const log = new EventLog();
  const filters = { nodeFilter: '', serviceFilter: '', tagFilter: '', payload: new Uint8Array() };
  for (let i = 0; i < 300; i++) log.receive(log.fire({ name: String(i), ...filters }));
  expect(log.list('').map(({ name }) => name)).toEqual(Array.from({ length: 256 }, (_, i) => String(i + 44)));
  const end = new AbortController();
  const waits = vi.fn();
  const waiting = log.next(end.signal).then(waits);
  end.abort();
  await waiting;
  expect(waits).toHaveBeenCalledOnce();
});
