import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpGet } from './http-get.ts';
import { shownUrl } from './shown-url.ts';

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const signal = AbortSignal.timeout(30_000);

describe('a request', () => {
  it('takes its headers along to where it is sent on the same server, and to no other', async () => {
    const told: unknown[] = [];
    const other = await serve(({ headers }, response) => {
      told.push(headers['x-consul-token'], headers.authorization);
      response.end('there');
    });
    const first = await serve(({ url, headers }, response) => {
      told.push(headers['x-consul-token']);
      response.writeHead(302, { Location: url === '/' ? '/again' : other }).end();
    });
    const headers = { 'X-Consul-Token': 'secret', Authorization: 'Bearer secret' };
    expect((await httpGet(first, { signal, headers })).body).toBe('there');
    expect(told).toEqual(['secret', 'secret', undefined, undefined]);
  });
});

describe('a URL that is shown', () => {
  it.each([
    ['https://user:secret@a.test:8/b?token=secret#c', 'https://a.test:8/b'],
    ['unix://user:secret@a.test/b?c', 'unix://a.test/b'],
    ['no URL', 'what is no URL'],
  ])('%s', (url, shown) => expect(shownUrl(url)).toBe(shown));
});
