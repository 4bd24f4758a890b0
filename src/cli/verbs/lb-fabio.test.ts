import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { ask, backend, closers, muster, until } from './lb.test-support.ts';

/** A registry with one routed instance, which says nothing of it before it is told to. */
async function silentRegistry(port: number) {
  let speak = () => {};
  const told = new Promise<void>((resolve) => {
    speak = resolve;
  });
  const asked: string[] = [];
  const answers: Record<string, unknown> = {
    '/v1/agent/self': { Config: { NodeName: 'n' } },
    '/v1/catalog/services': { web: ['urlprefix-/'] },
    '/v1/health/service/web': [
      {
        Node: { Node: 'n', Address: '127.0.0.1' },
        Service: { ID: 'web', Service: 'web', Address: '127.0.0.1', Port: port, Tags: ['urlprefix-/'] },
        Checks: [{ CheckID: 'c', ServiceID: 'web', Status: 'passing' }],
      },
    ],
  };
  const server = http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://registry');
    asked.push(pathname);
    // Nothing changes: a question for what is new stays open.
    if (Number(searchParams.get('index') ?? 0) > 0) return;
    await told;
    const answer = answers[pathname];
    response.writeHead(answer === undefined ? 404 : 200, { 'X-Consul-Index': '5' });
    response.end(JSON.stringify(answer ?? []));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, speak: () => speak() };
}

const settings = (registry: string) => [
  `-registry.consul.addr=${registry}`,
  '-registry.consul.register.enabled=false',
  '-registry.timeout=1h',
  '-proxy.addr=127.0.0.1:0',
  '-ui.addr=127.0.0.1:0',
];

it('listens once the first routes are there: nobody hears 404 before', async () => {
  const registry = await silentRegistry((await backend('a')).port);
  const { seen } = muster(...settings(registry.address));
  await until(() => registry.asked.includes('/v1/catalog/services'));
  const listening = until(() => seen.text.includes('balancing')).then(() => 'listens');
  const asLongAsAStartTakes = new Promise((resolve) => setTimeout(() => resolve('waits'), 500));
  expect(await Promise.race([listening, asLongAsAStartTakes])).toBe('waits');
  registry.speak();
  await listening;
  const port = /listen="?127\.0\.0\.1:(\d+)/.exec(seen.text)?.[1];
  expect(await ask(`http://127.0.0.1:${port}/`)).toBe('200 a');
});

it('ends at once while it waits for its registry', async () => {
  const registry = await silentRegistry(1);
  const { child, exit } = muster(...settings(registry.address));
  await until(() => registry.asked.includes('/v1/catalog/services'));
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});
