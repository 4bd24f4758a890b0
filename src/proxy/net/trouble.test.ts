import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { TRANSPORT_NAMES } from '../choice.ts';
import { CounterReader, createCounterBlock } from '../counters.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import { OBSTACLE, transportFor } from '../uring/fixtures.ts';
import { ProxyServer } from './server.ts';

/** Numbers that look random and are the same every time (a linear congruential generator). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

const REQUESTS = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhellx',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  '\x16\x03\x01\r\n\r\n',
  'GET / HT',
];
const RESPONSES = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok',
  'HTTP/1.1 200 OK\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokzz',
  'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhi',
  'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 103 X\r\n\r\n',
  'HTTP/1.1 200',
  'nonsense\r\n\r\n',
  '',
];

/** Writes in pieces, then does one of the things peers do. */
function misbehave(socket: Socket, text: string, random: (below: number) => number): void {
  const cut = random(text.length + 1);
  if (cut > 0) socket.write(text.slice(0, cut), 'latin1');
  setImmediate(() => {
    if (socket.destroyed) return;
    socket.write(text.slice(cut), 'latin1');
    const end = random(5);
    if (end === 0) socket.end();
    else if (end === 1) setImmediate(() => socket.resetAndDestroy());
    else if (end === 2) setImmediate(() => socket.destroy());
  });
}

describe.each(TRANSPORT_NAMES)('peers that misbehave, on %s', (name) => {
  it.skipIf(name === 'uring' && OBSTACLE !== undefined)('leave nothing behind', async () => {
    const { transport, astray } = await transportFor(name);
    const random = numbers(7);
    const sockets = new Set<Socket>();
    const backend = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', () => misbehave(socket, RESPONSES[random(RESPONSES.length)]!, random));
    }).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const block = createCounterBlock();
    const reader = new CounterReader();
    reader.add(block);
    const target = targetAt((backend.address() as { port: number }).port);
    const silence = 200;
    const proxy = new ProxyServer(
      {
        counters: block,
        routes: routeTo([target]),
        limits: {
          headTimeout: silence,
          keepAliveTimeout: silence,
          bodyTimeout: silence,
          responseTimeout: silence,
          responseSilence: silence,
          tunnelTimeout: silence,
          lingerTimeout: silence,
          stallTimeout: silence,
        },
      },
      transport,
    );
    const address = await proxy.open({ id: 'web', protocol: 'http', host: '127.0.0.1', port: 0 });
    const clients = Array.from({ length: 400 }, async () => {
      const socket = connect({ ...address, allowHalfOpen: true });
      socket.on('error', () => {});
      const count = 1 + random(3);
      const text = Array.from({ length: count }, () => REQUESTS[random(REQUESTS.length)]).join('');
      misbehave(socket, text, random);
      socket.resume();
      socket.on('end', () => socket.end());
      await once(socket, 'close').catch(() => undefined);
    });
    await Promise.all(clients);
    await proxy.close('web', { patience: 2_000, isReplaced: false });
    expect(proxy.connections).toBe(0);
    expect(target.state.inFlight).toBe(0);
    expect(reader.overall()).toMatchObject({ openConnections: 0, inFlight: 0 });
    expect(reader.overall().connections).toBeGreaterThan(300);
    await proxy.stop();
    expect(astray()).toEqual({ slots: 0, completions: 0 });
    for (const socket of sockets) socket.destroy();
    backend.close();
  });
});
