/** Instances that reset, lie about lengths, send garbage or more than one answer: what clients see of it, and that nobody else does. */
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TRANSPORT_NAMES, type TransportName } from '../choice.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import type { ListenerSpec } from '../listener-spec.ts';
import { readCertificate } from '../tls/certificate.ts';
import { Authority } from '../tls/fixtures.ts';
import { Keyring } from '../tls/keyring.ts';
import { DEFAULT_TLS } from '../tls/spec.ts';
import { OBSTACLE, transportFor } from '../uring/fixtures.ts';
import { ProxyServer } from './server.ts';

const authority = new Authority();
afterAll(() => authority.remove());
const pair = authority.issue({ names: ['127.0.0.1'] });

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Status and body, or "cut" for an answer that broke off. */
type Ask = () => Promise<string>;
type Place = { host: string; port: number };

async function overHttp1(request: http.ClientRequest): Promise<string> {
  try {
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return response.complete ? `${response.statusCode} ${body}` : 'cut';
  } catch {
    return 'cut';
  }
}

function overHttp2(place: Place): Ask {
  const session = http2.connect(`https://${place.host}:${place.port}`, { ca: authority.cert });
  session.on('error', () => {});
  closers.push(() => session.destroy());
  return async () => {
    const stream = session.request({ ':path': '/' });
    let [status, body] = [0, ''];
    stream.on('error', () => {});
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('data', (chunk) => {
      body += String(chunk);
    });
    await new Promise((resolve) => stream.on('close', resolve));
    return stream.rstCode === 0 ? `${status} ${body}` : 'cut';
  };
}

const FRONTS: Record<string, { spec: Partial<ListenerSpec>; client: (place: Place) => Ask }> = {
  'HTTP/1.1': {
    spec: { protocol: 'http' },
    client(place) {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      closers.push(() => agent.destroy());
      return () => overHttp1(http.get({ ...place, agent }));
    },
  },
  TLS: {
    spec: { protocol: 'https', tls: DEFAULT_TLS },
    client(place) {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: authority.cert });
      closers.push(() => agent.destroy());
      return () => overHttp1(https.get({ ...place, agent }));
    },
  },
  'HTTP/2': { spec: { protocol: 'https', tls: DEFAULT_TLS, http2: true }, client: overHttp2 },
};

const ok = (body: string, length = body.length) =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${body}`;
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What an instance does when it is asked, and what its client is to see. */
const MISDEEDS: readonly [string, (socket: Socket) => unknown, string | RegExp][] = [
  ['resets instead of an answer', (socket) => socket.resetAndDestroy(), /^502 /],
  ['closes instead of an answer', (socket) => socket.end(), /^502 /],
  ['resets in a head', (socket) => socket.write('HTTP/1.1 2', () => socket.resetAndDestroy()), /^502 /],
  ['resets in a body', (socket) => socket.write(ok('part', 100), () => socket.resetAndDestroy()), 'cut'],
  ['sends less than it says', (socket) => socket.end(ok('part', 100)), 'cut'],
  ['sends more than it says', (socket) => socket.write(ok('well', 2)), '200 we'],
  ['sends two answers', (socket) => socket.write(ok('one') + ok('two')), '200 one'],
  [
    'sends another answer later',
    (socket) => socket.write(ok('one'), () => setTimeout(() => socket.write(ok('two')), 5)),
    '200 one',
  ],
  ['sends garbage', (socket) => socket.write('\x16\x03\x01 what?\r\n\r\n'), /^502 /],
  ['sends garbage for a chunk', (socket) => socket.write(`${CHUNKED}2\r\nok\r\nzz\r\n`), /^502 /],
  ['ends between chunks', (socket) => socket.end(`${CHUNKED}2\r\nok\r\n`), 'cut'],
  [
    'says two lengths',
    (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nwell'),
    /^502 /,
  ],
  [
    'frames in two ways',
    (socket) =>
      socket.write(CHUNKED.replace('\r\n\r\n', '\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n')),
    /^502 /,
  ],
  [
    'sends a head without end',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(9_000)}`),
    /^502 /,
  ],
  [
    'never comes to its answer',
    (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)),
    /^502 /,
  ],
  ['is silent', () => {}, /^504 /],
  ['is silent in a head', (socket) => socket.write('HTTP/1.1 200 OK\r\n'), /^504 /],
  ['is silent in a body', (socket) => socket.write(ok('part', 100)), 'cut'],
  ['is silent in a chunk', (socket) => socket.write(`${CHUNKED}5\r\nok`), 'cut'],
];

const WAYS = TRANSPORT_NAMES.flatMap((name) => Object.keys(FRONTS).map((front) => ({ name, front })));

describe.each(WAYS)('an instance behind $front on $name', ({ name, front }) => {
  beforeEach((context) => {
    if (name === 'uring' && OBSTACLE !== undefined) context.skip(OBSTACLE);
  });

  it.each(MISDEEDS)('that %s is told by its own client alone', async (_, misdeed, expected) => {
    const { ask, instance, target, stop } = await begin(name, front);
    instance.answer = misdeed;
    const seen = await ask();
    if (typeof expected === 'string') expect(seen).toBe(expected);
    else expect(seen).toMatch(expected);
    // Nobody else is to get what may still come on its connection.
    while (instance.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    instance.answer = (socket) => socket.write(ok('fine'));
    expect(await ask()).toBe('200 fine');
    expect(await ask()).toBe('200 fine');
    expect(target.state.inFlight).toBe(0);
    await stop();
  });
});

async function begin(name: TransportName, front: string) {
  const sockets = new Set<Socket>();
  const instance = { sockets, answer: (_: Socket): unknown => undefined };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => instance.answer(socket));
    socket.on('end', () => socket.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const target = targetAt((server.address() as { port: number }).port);
  const { transport, astray } = await transportFor(name);
  const keyring = new Keyring();
  keyring
    .store('default')
    .replace({ certificates: [readCertificate({ place: 'made', ...pair })], clientCa: [] });
  const limits = { responseTimeout: 200, responseSilence: 200 };
  const proxy = new ProxyServer({ routes: routeTo([target]), keyring, limits }, transport);
  const { spec, client } = FRONTS[front]!;
  const place = await proxy.open({ id: 'web', host: '127.0.0.1', port: 0, ...spec } as ListenerSpec);
  const stop = async () => {
    await proxy.stop();
    expect(astray()).toEqual({ slots: 0, completions: 0 });
  };
  closers.push(() => proxy.stop());
  return { ask: client(place), instance, target, stop };
}
