/** Which requests have a line in the access log: all. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { targetAt } from './fixtures.ts';
import { client, closers, proxy } from './http2/http2.test-support.ts';
import type { completeLimits } from './limits.ts';

/** A proxy with a log, in front of an instance that never answers. */
async function logged(limits: Parameters<typeof completeLimits>[0] = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-lines-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const seen = { asked: 0, left: 0 };
  const instance = http.createServer((_, response) => {
    seen.asked++;
    response.on('close', () => seen.left++);
  });
  instance.listen(0, '127.0.0.1');
  await once(instance, 'listening');
  closers.push(() => {
    instance.closeAllConnections();
    instance.close();
  });
  const made = await proxy([targetAt((instance.address() as AddressInfo).port)], { limits });
  const target = join(folder, 'access.log');
  made.server.configure({
    accessLog: { target, format: '$request_proto|$request|$request_url|$response_status' },
  });
  const lines = async () => {
    await made.server.stop();
    return readFileSync(target, 'utf8').trim().split('\n');
  };
  return { made, seen, lines };
}

it.each([
  ['no request', 'NONSENSE\r\n\r\n', '400'],
  ['too many lines of a head', `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(200)}\r\n`, '431'],
  ['half a head', 'GET / HTT', '408'],
])('one that is refused before it is read has one: %s', async (_, text, status) => {
  const { made, lines } = await logged({ headTimeout: 100 });
  const socket = net.connect(made.plain, '127.0.0.1');
  closers.push(() => socket.destroy());
  socket.write(text);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toContain(`HTTP/1.1 ${status} `);
  socket.destroy();
  expect(await lines()).toEqual([`HTTP/1.1|-||${status}`]);
});

it('one of HTTP/2 that is too large has one', async () => {
  const { made, lines } = await logged();
  const session = client(made);
  await once(session, 'remoteSettings');
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'y']));
  const stream = session.request({ ':path': '/', ...many });
  stream.on('error', () => {});
  const [headers] = await once(stream, 'response');
  expect(headers).toMatchObject({ ':status': 431 });
  expect(await lines()).toEqual(['HTTP/2.0|-||431']);
});

it('one whose client has left has 499, over HTTP/1.1 and HTTP/2: it was 0', async () => {
  const { made, seen, lines } = await logged();
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((later) => setTimeout(later, 5));
  };
  const socket = net.connect(made.plain, '127.0.0.1');
  socket.write('GET /one HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => seen.asked === 1);
  // An end in order would say that it waits for its answer.
  socket.resetAndDestroy();
  const stream = client(made).request({ ':path': '/two', ':authority': 'x' });
  stream.on('error', () => {});
  await until(() => seen.asked === 2);
  stream.close(8);
  await until(() => seen.left === 2);
  expect((await lines()).sort()).toEqual([
    'HTTP/1.1|GET /one HTTP/1.1|http://x/one|499',
    'HTTP/2.0|GET /two HTTP/2.0|https://x/two|499',
  ]);
});
