import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { textOf } from './gobetween-origin.ts';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** A registry that knows one key, for one token. */
async function registry(): Promise<{ host: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    if (request.headers['x-consul-token'] !== 'secret')
      return void response.writeHead(403).end('Permission denied');
    if (!request.url?.startsWith('/v1/kv/lb/eu%201')) return void response.writeHead(404).end();
    const pair = { Key: 'lb/eu 1', Value: Buffer.from('[servers]\n').toString('base64'), Flags: 0 };
    response.setHeader('content-type', 'application/json').end(JSON.stringify([pair]));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe("gobetween's configuration in Consul's key/value store", () => {
  it("is asked for as Consul's variables say, with a slash in front of its key or without", async () => {
    const { host } = await registry();
    for (const key of ['lb/eu 1', '/lb/eu 1'])
      expect(
        await textOf({ kind: 'consul', host, key, scheme: 'http' }, { CONSUL_HTTP_TOKEN: 'secret' }),
      ).toMatchObject({ text: '[servers]\n' });
  });

  it('that cannot be had is told with its place', async () => {
    const { host } = await registry();
    const ask = (key: string, token: string) =>
      textOf({ kind: 'consul', host, key, scheme: 'http' }, { CONSUL_HTTP_TOKEN: token });
    await expect(ask('lb/eu 1', '')).rejects.toThrow(
      /^cannot read the key "lb\/eu 1" of Consul at 127.*denied/s,
    );
    await expect(ask('other', 'secret')).rejects.toThrow(
      /^cannot read the key "other" .* there is no such key/,
    );
  });
});
