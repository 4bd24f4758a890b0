import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';

/** What an agent answers of a service that has one check of several failing; `targets` is whom its balancer sends requests. */
let agent: Server;
let targets: object[] = [];
const INSTANCE = {
  id: 'two',
  node: 'n1',
  address: 'fe80::7',
  port: 7,
  state: 'critical',
  since: null,
  reason: 'check “disk” is critical',
  checks: [],
  traffic: null,
};

let instance: object = INSTANCE;

beforeAll(async () => {
  agent = createServer(({ url }, response) => {
    const routes = [{ host: '', path: '/two', strategy: 'rr', options: {}, targets }];
    const service = { name: 'two', states: {}, traffic: null, routes, instances: [instance] };
    response.end(JSON.stringify(url === '/v1/muster/connections' ? [] : service));
  });
  await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
});
afterAll(() => agent.close());

async function asked(): Promise<{ code: number; out: string }> {
  let out = '';
  const code = await run(verbs, ['why', 'two'], {
    out: (text) => {
      out += text;
    },
    err: () => {},
    stdin: Readable.from([]),
    env: { CONSUL_HTTP_ADDR: `127.0.0.1:${(agent.address() as AddressInfo).port}` },
    color: false,
  });
  return { code, out };
}

it('says of an instance that fails a check whether the balancer goes on with it', async () => {
  targets = [{ instance: 'two', address: '[fe80::7]:7', weight: 1, share: 1 }];
  const { code, out } = await asked();
  expect(out).toMatch(/^two: 1 of 1 instance may get traffic\n/);
  expect(out).toMatch(/→ two {2}\[fe80::7\]:7 on n1\n {4}critical since before the start, no traffic/);
  expect(code).toBe(0);
  instance = { ...INSTANCE, state: 'maintenance' };
  expect((await asked()).out).toMatch(/✗ two/);
  instance = INSTANCE;
  targets = [];
  expect(await asked()).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^two: 0 of 1 instance may get traffic[\s\S]*✗ two {2}\[fe80::7\]:7 on n1/),
  });
});
