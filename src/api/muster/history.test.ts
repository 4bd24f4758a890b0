import { afterEach, beforeEach, expect, it } from 'vitest';
import { deregisterService, register, updateCheck } from '../../catalog/commands/register.ts';
import { History } from '../../catalog/history.ts';
import { checkRow, NODE, serviceRow } from '../../catalog/rows.test-support.ts';
import { ManualClock } from '../../lib/clock.ts';
import type { ApiContext } from '../context.ts';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';

let api: Api;
let context: ApiContext;
let clock: ManualClock;

beforeEach(async () => {
  clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  context = testContext({}, { clock }).context;
  const { catalog } = context;
  context = { ...context, history: new History({ catalog, clock, maxBytes: 1_000_000 }) };
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
});
afterEach(() => api.stop());

const node = NODE;
const service = (id: string, port: number) => ({ ...serviceRow(id, 'web'), port });
const check = checkRow('c', 'a');

async function ask(query: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${api.address.port}/v1/muster/history${query}`);
  return { status: response.status, text: await response.text() };
}
const read = async (query: string) => JSON.parse((await ask(query)).text) as Record<string, unknown>;

async function live(): Promise<void> {
  await context.store.write((tx) => register(tx, { node, service: service('a', 80), checks: [check] }));
  clock.advance(60_000);
  await context.store.write((tx) => updateCheck(tx, 'n', 'c', { status: 'critical', output: 'refused' }));
  clock.advance(60_000);
  await context.store.write((tx) => deregisterService(tx, 'n', 'a'));
}

it('tells what changed, with what was before and after', async () => {
  await live();
  const { changes, oldest, newest, more } = await read('');
  expect({ oldest, newest, more }).toMatchObject({ oldest: { index: 1 }, newest: { index: 4 }, more: false });
  expect(changes).toMatchObject([
    { what: 'node', change: 'added', node: 'n', id: '', before: null, after: { Address: '10.0.0.1' } },
    { what: 'service', change: 'added', id: 'a', service: 'web', after: { Node: 'n', Port: 80 } },
    { what: 'check', change: 'added', id: 'c', after: { Status: 'passing' } },
    { index: 3, change: 'changed', before: { Status: 'passing' }, after: { Status: 'critical' } },
    { index: 4, what: 'check', change: 'removed', after: null },
    { index: 4, what: 'service', change: 'removed', before: { Port: 80 }, after: null },
  ]);
  expect((await read('?since=2&until=3')).changes).toHaveLength(1);
  expect((await read('?since=90s')).changes).toHaveLength(3);
  // An agent that began a minute ago is asked for the last ten: that is all there is, not a mistake.
  for (const since of ['240h', '1999-01-01T00:00:00Z'])
    expect((await read(`?since=${since}`)).changes).toEqual(changes);
  expect((await read('?until=2026-01-01T00:01:30Z&service=WEB')).changes).toHaveLength(3);
  expect((await read('?node=other')).changes).toEqual([]);
  expect(await read('?limit=1')).toMatchObject({ changes: [{ index: 4, what: 'service' }], more: true });
});

it('tells the catalog as it was', async () => {
  await live();
  expect(await read('?at=2')).toMatchObject({
    index: 2,
    time: '2026-01-01T00:00:00.000Z',
    nodes: [{ Node: 'n' }],
    services: [{ Node: 'n', ID: 'a', Port: 80 }],
    checks: [{ Status: 'passing' }],
  });
  expect(await read('?at=30s')).toMatchObject({ index: 3, checks: [{ Status: 'critical' }] });
  expect(await read('?at=4')).toMatchObject({ nodes: [{ Node: 'n' }], services: [], checks: [] });
  expect(await read('?at=3&service=web')).toMatchObject({ nodes: [{}], services: [{}], checks: [{}] });
  expect(await read('?at=3&service=api')).toMatchObject({ nodes: [], services: [], checks: [] });
});

it.each([
  ['?at=yesterday', 400, 'Not an index, a time or an age: "yesterday"'],
  ['?at=', 400, 'Not an index'],
  ['?at=1999-01-01T00:00:00Z', 410, 'The history reaches back to index 1 of '],
  ['?since=0', 410, 'The history reaches back to index 1 of '],
  ['?limit=0', 400, 'Invalid limit'],
])('%s: %d', async (query, status, words) => {
  const answer = await ask(query);
  expect(answer).toEqual({ status, text: expect.stringContaining(words) });
});
