import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { until } from '../scripts/support/processes.mjs';
import { type Backend, startBackend } from './support/backend.ts';
import { ask, put } from './support/http.ts';
import { onPorts, pickPorts, startMuster, testFolder, writeConfig } from './support/muster.ts';

/** A registration with a check that a test sets. */
const registration = ({ id, port }: Backend, name: string, tags: readonly string[], zone = '') => ({
  ID: id,
  Name: name,
  Address: '127.0.0.1',
  Port: port,
  Tags: tags,
  Meta: zone === '' ? {} : { zone },
  Check: { CheckID: `check-${id}`, TTL: '1h', Status: 'passing' },
});

/** An instance that keeps what it was sent. */
async function startCollector(): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = [];
  const read = async (request: IncomingMessage): Promise<string> => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    return `${request.method} ${request.url} ${text}`;
  };
  const server = createServer((request, response) => {
    void read(request).then((text) => {
      seen.push(text);
      // Slow, and nobody's business.
      setTimeout(() => response.writeHead(500).end(), 200);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

/** What a verb says; it must succeed. */
async function muster(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [MUSTER, ...args])).stdout;
}

/** One request over HTTP/2 in clear text. */
async function askHttp2(port: number, path: string, headers: Record<string, string> = {}) {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ':path': path, ...headers });
    const [answer] = (await once(stream, 'response')) as [Record<string, string | string[] | number>];
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return { status: Number(answer[':status']), cookies: answer['set-cookie'] ?? [], text };
  } finally {
    session.close();
  }
}

it('keeps clients together, tries versions out, copies, limits and explains, over HTTP/1 and HTTP/2, with what tags and policies say', async () => {
  const folder = testFolder();
  const ports = await pickPorts();
  const [h2 = 0] = [await pickPorts()].map(({ proxy }) => proxy);
  const balancer = {
    workers: 2,
    zone: 'here',
    policy: [{ service: 'limited', options: 'rate=3/h' }],
    listener: [{ address: `127.0.0.1:${h2}`, http2: true }],
    headers: { trace: true },
    access_log: { format: 'log $request_uri $request_proto $trace_id' },
  };
  const node = { dev: true };
  const { program, api, proxy } = await startMuster('agent', { node, balancer }, folder, ports);
  onTestFinished(async () => {
    await program.stop();
  });
  const backends = await Promise.all(['a', 'b', 'c', 'd'].map(startBackend));
  const [a, b, c, d] = backends as [Backend, Backend, Backend, Backend];
  const collector = await startCollector();
  const register = (backend: Backend, name: string, tags: string[], zone?: string) =>
    put(`${api}/v1/agent/service/register`, registration(backend, name, tags, zone));
  const shop = ['urlprefix-/shop sticky=true mirror=shadow', 'urlprefix-/zone'];
  await register(a, 'shop', shop, 'here');
  await register(b, 'shop', shop, 'there');
  await register(c, 'limited', ['urlprefix-/limited', 'urlprefix-/try']);
  await register(d, 'limited', ['urlprefix-/try canary=50% canaryby=header:X-User canaryif=X-Try:yes']);
  const copies: Backend = { ...a, id: 'shadow', port: collector.port };
  await register(copies, 'shadow', []);
  await until('the routes', async () => (await ask(`${proxy}/shop`)).status === 200, { program });

  // A cookie, good for both versions of HTTP and for every worker.
  const first = await ask(`${proxy}/shop`);
  const [cookie = ''] = (first.headers['set-cookie']?.[0] ?? '').split(';');
  expect(cookie).toMatch(/^muster-[\w-]+=[\w-]{16}$/);
  for (let i = 0; i < 10; i++) {
    const again = await ask(`${proxy}/shop`, { headers: { cookie } });
    expect([again.text, again.headers['set-cookie']]).toEqual([first.text, undefined]);
    expect(await askHttp2(h2, '/shop', { cookie })).toEqual({ status: 200, cookies: [], text: first.text });
  }
  const fresh = await askHttp2(h2, '/shop');
  expect(fresh.cookies).toEqual([
    expect.stringMatching(/^muster-[\w-]+=[\w-]{16}; Path=\/; HttpOnly; SameSite=Lax$/),
  ]);

  // Copies, bodies and all.
  await ask(`${proxy}/shop/order`, { method: 'POST', body: 'x'.repeat(100_000) });
  await until('the copy', () =>
    collector.seen.some((one) => one === `POST /shop/order ${'x'.repeat(100_000)}`),
  );

  // Own zone first; the other one when there is nobody left.
  for (let i = 0; i < 10; i++) expect((await ask(`${proxy}/zone`)).text).toBe('a');
  await put(`${api}/v1/agent/check/fail/check-a`);
  await until('the other zone', async () => (await ask(`${proxy}/zone`)).text === 'b');
  // The client of the one that is gone has another one, and keeps that.
  const moved = await ask(`${proxy}/shop`, { headers: { cookie: cookie } });
  expect(moved.text).toBe('b');

  // A policy of the configuration, counted together by the workers.
  const answers = [];
  for (let i = 0; i < 6; i++) answers.push(await ask(`${proxy}/limited`));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429, 429]);
  expect(Number(answers.at(-1)?.headers['retry-after'])).toBeGreaterThan(1_000);

  // What is in force is told.
  const explained = await muster('explain', `${proxy}/shop`, '-http-addr', api);
  expect(explained).toMatch(/sticky true/);
  expect(explained).toMatch(/mirror shadow,100%/);
  const why = await muster('why', 'limited', '-http-addr', api);
  expect(why).toMatch(/\/limited {2}rr, 1 target, rate=3\/h,address/);

  // A reload lifts the limit.
  writeConfig(folder, onPorts({ node, balancer: { ...balancer, policy: [] } }, ports));
  await put(`${api}/v1/agent/reload`);
  await until('the limit to go', async () => (await ask(`${proxy}/limited`)).status === 200);

  // The same user in the same arm, whichever worker he meets.
  const arms = new Map<string, string>();
  for (let round = 0; round < 3; round++) {
    for (let user = 0; user < 12; user++) {
      const { text } = await ask(`${proxy}/try`, { headers: { 'x-user': `user-${user}` } });
      expect(arms.get(`user-${user}`) ?? text).toBe(text);
      arms.set(`user-${user}`, text);
    }
  }
  expect(new Set(arms.values())).toEqual(new Set(['c', 'd']));
  for (let i = 0; i < 6; i++)
    expect((await ask(`${proxy}/try`, { headers: { 'x-try': 'yes' } })).text).toBe('d');

  // The log knows which HTTP it was, and the trace.
  for (const version of ['2.0', '1.1']) {
    const line = new RegExp(`log /shop HTTP/${version} [0-9a-f]{32}\\n`);
    await until(`the log of HTTP/${version}`, () => line.test(program.output()));
  }
});
