/** Clients behind TLS, of either version of HTTP, that are silent or take nothing: none of them stays. */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { targetAt } from '../fixtures.ts';
import { authority, backend, named, proxy, type SecureProxy } from './listener.test-support.ts';

const SOON = 400;
const LIMITS = {
  headTimeout: SOON,
  keepAliveTimeout: SOON,
  bodyTimeout: SOON,
  lingerTimeout: SOON,
  stallTimeout: SOON,
};
const GET = 'GET / HTTP/1.1\r\nHost: web.test\r\n\r\n';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Answers with as much as no socket takes at once. */
const much = (socket: Socket) =>
  socket.on('data', () => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${2 ** 26}\r\n\r\n`);
    for (let i = 0; i < 64; i++) socket.write(Buffer.alloc(2 ** 20));
  });

async function given(serve: Parameters<typeof backend>[0] = named('a')): Promise<SecureProxy> {
  return proxy([targetAt(await backend(serve))], {}, { limits: LIMITS }, { http2: true });
}

/** Behind its handshake. */
async function secured({ address }: SecureProxy): Promise<TLSSocket> {
  const socket = connect({ ...address, servername: 'web.test', ca: authority.cert });
  closers.push(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

const nobody = async ({ server }: SecureProxy) => {
  while (server.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** All that came until the proxy ended it. */
async function untilEnd(socket: TLSSocket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe('a client of HTTP/1.1 behind TLS', () => {
  it.each([
    ['says nothing', '', /^$/],
    ['stops in a head', 'GET / HTT', /^HTTP\/1\.1 408 /],
    ['stops in a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf', /^HTTP\/1\.1 408 /],
    ['asks once and stays', GET, /^HTTP\/1\.1 200 [\s\S]*a$/],
  ])('that %s is ended', async (_, text, answer) => {
    // An instance that answers before it has the whole request would end the wait.
    const front = await given(text.startsWith('POST') ? () => {} : named('a'));
    const socket = await secured(front);
    socket.write(text);
    expect(await untilEnd(socket)).toMatch(answer);
    await nobody(front);
  });

  it('that reads nothing of its answer is ended', async () => {
    const front = await given(much);
    const socket = await secured(front);
    socket.pause();
    socket.write(GET);
    await nobody(front);
  });
});

describe('a client of HTTP/2 behind TLS', () => {
  const session = ({ address }: SecureProxy) => {
    const made = http2.connect(`https://127.0.0.1:${address.port}`, {
      servername: 'web.test',
      ca: authority.cert,
    });
    made.on('error', () => {});
    closers.push(() => made.destroy());
    return made;
  };

  it('that asks for nothing is ended', async () => {
    const front = await given();
    await once(session(front), 'close');
    await nobody(front);
  });

  it('that asks once and stays is ended', async () => {
    const front = await given();
    const made = session(front);
    const stream = made.request({ ':path': '/' });
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    expect(headers[':status']).toBe(200);
    stream.resume();
    await once(made, 'close');
    await nobody(front);
  });

  it('that stops in a body is told, and ended', async () => {
    const front = await given(() => {});
    const made = session(front);
    const stream = made.request({ ':path': '/', ':method': 'POST' }, { endStream: false });
    stream.on('error', () => {});
    stream.write('half');
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    expect(headers[':status']).toBe(408);
    stream.resume();
    await once(made, 'close');
    await nobody(front);
  });

  it('that reads nothing of its answer is ended', async () => {
    const front = await given(much);
    const made = session(front);
    made.request({ ':path': '/' }).on('error', () => {});
    while (front.server.connections === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await nobody(front);
  });
});
