import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Api, startApi } from '../../api/server.ts';
import { testContext } from '../../api/test-context.ts';
import { register } from '../../catalog/commands/register.ts';
import { History } from '../../catalog/history.ts';
import { NODE, serviceRow } from '../../catalog/rows.test-support.ts';
import { ManualClock } from '../../lib/clock.ts';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';

let api: Api;

beforeAll(async () => {
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  const { context } = testContext({}, { clock });
  const { catalog, store } = context;
  const past = new History({ catalog, clock, maxBytes: 1_000_000 });
  api = await startApi({ context: { ...context, history: past }, host: '127.0.0.1', port: 0 });
  for (const port of [80, 81]) {
    const service = { ...serviceRow('a', 'web'), port };
    await store.write((tx) => register(tx, { node: NODE, service }));
  }
});
afterAll(() => api.stop());

async function muster(line: string) {
  let [out, err] = ['', ''];
  const code = await run(verbs, line.split(' '), {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdin: Readable.from([]),
    env: { CONSUL_HTTP_ADDR: `127.0.0.1:${api.address.port}` },
    color: false,
  });
  return { code, out, err };
}

it('says what changed, a line for each', async () => {
  expect(await muster('history')).toEqual({
    code: 0,
    err: '',
    out: [
      'Time                      Index  Change   What     Node  ID  Service  Details',
      '2026-01-01T00:00:00.000Z  2      added    node     n',
      '2026-01-01T00:00:00.000Z  2      added    service  n     a   web      port 80',
      '2026-01-01T00:00:00.000Z  3      changed  service  n     a   web      Port: 80 → 81\n',
    ].join('\n'),
  });
  expect((await muster('history -service other')).out).toBe(
    'Nothing changed. The history reaches back to 2026-01-01T00:00:00.000Z.\n',
  );
  expect(JSON.parse((await muster('history -json -since 2')).out)).toMatchObject({ changes: [{ index: 3 }] });
});

it('says where it begins to who asks for more', async () => {
  const { code, out } = await muster('history -since 24000h');
  expect(code).toBe(0);
  expect(out).toMatch(/81\nThe history reaches back to 2026-01-01T00:00:00.000Z\.\n$/);
});

it('says how the catalog was', async () => {
  expect((await muster('history -at 2')).out).toBe(
    [
      'The catalog at index 2, 2026-01-01T00:00:00.000Z: 1 node, 1 instance',
      '',
      'Service  ID  Node  Address   Port  Status',
      'web      a   n     10.0.0.1  80    passing\n',
    ].join('\n'),
  );
});

it('fails in words when the history does not reach back so far', async () => {
  const { code, err } = await muster('history -at 1h');
  expect([code, err]).toEqual([1, expect.stringContaining('The history reaches back to index 1')]);
});
