import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Target } from '../../balance/balancer.ts';
import { isEjected } from '../../balance/ejection.ts';
import { isMusterError } from '../../errors.ts';
import { ManualClock } from '../../lib/clock.ts';
import { TRANSPORT_NAMES, type TransportName } from '../choice.ts';
import { Ejector } from '../ejector.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import type { ListenAddress } from '../listener-spec.ts';
import { OBSTACLE, transportFor } from '../uring/fixtures.ts';
import { RawClient } from './raw-client.test-support.ts';
import { ProxyServer, type ProxyServerOptions } from './server.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A backend whose connections are handled by `serve`. */
async function backend(
  serve: (socket: Socket) => void,
): Promise<{ port: number; server: Server; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, server, sockets };
}

/** Answers every request with its name. */
const named = (name: string) => (socket: Socket) => {
  socket.on('data', (chunk) => {
    for (const _ of chunk.toString('latin1').matchAll(/\r\n\r\n/g))
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
  });
  socket.on('end', () => socket.end());
};

/** What the proxies of the present test are carried by. */
let carrier: TransportName = 'net';

async function proxy(
  targets: readonly Target[],
  options: Partial<ProxyServerOptions> = {},
): Promise<ProxyServer> {
  const { transport, astray } = await transportFor(carrier);
  const server = new ProxyServer({ routes: routeTo(targets), ...options }, transport);
  closers.push(async () => {
    await server.stop();
    expect(astray()).toEqual({ slots: 0, completions: 0 });
  });
  addresses.set(server, await server.open({ id: 'web', protocol: 'http', host: '127.0.0.1', port: 0 }));
  return server;
}

const addresses = new WeakMap<ProxyServer, ListenAddress>();

class Client extends RawClient {
  constructor(server: ProxyServer) {
    super(addresses.get(server)!);
    closers.push(() => this.socket.destroy());
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: x.test\r\n\r\n';

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe.each(TRANSPORT_NAMES)('the proxy on sockets, by %s', (name) => {
  beforeEach((context) => {
    if (name === 'uring' && OBSTACLE !== undefined) context.skip(OBSTACLE);
    carrier = name;
  });

  it('serves a client’s requests over one connection to the instance', async () => {
    let connections = 0;
    const { port } = await backend((socket) => {
      connections++;
      named('a')(socket);
    });
    const client = new Client(await proxy([targetAt(port)]));
    await client.send(GET).until(/\r\n\r\na$/);
    await client.send(GET).until(/\r\n\r\na.*\r\n\r\na$/s);
    expect(connections).toBe(1);
  });

  it('takes answers without a space behind the status, and gives it to the client', async () => {
    const body = 'muster '.repeat(30_000);
    const { port } = await backend((socket) => {
      socket.on('data', (chunk) => {
        const text = String(chunk).startsWith('GET /large') ? body : 'ok';
        socket.write(`HTTP/1.1 200\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
      });
    });
    const server = await proxy([targetAt(port)]);
    const answerTo = async (path: string) => {
      const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      return (await new Client(server).send(head).ended()).replace(/Date: .*\r\n/, '');
    };
    const answered = (text: string) =>
      `HTTP/1.1 200 \r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`;
    expect(await answerTo('/small')).toBe(answered('ok'));
    expect((await answerTo('/large')) === answered(body)).toBe(true);
  });

  it('passes over an instance that refuses, without the client noticing, and ejects it until it is back', async () => {
    const { port } = await backend(named('alive'));
    const dead = targetAt(await deadPort(), 1);
    const told: string[] = [];
    const clock = new ManualClock(1_000_000);
    const outcomes = new Ejector({
      clock,
      random: () => 0,
      connect: () => Promise.resolve(true),
      onEjected: ({ id, why }) => told.push(`${id}: ${why}`),
      onReturned: (id) => told.push(`${id} is back`),
    });
    closers.push(() => outcomes.stop());
    const client = new Client(await proxy([dead, targetAt(port, 2)], { outcomes }));
    client.send('POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 0\r\n\r\n');
    expect(await client.until(/\r\n\r\n.+$/)).toMatch(/^HTTP\/1.1 200 OK.*alive$/s);
    expect(told).toEqual(['t1: connection refused']);
    expect(isEjected(dead.state)).toBe(true);
    clock.advance(5_000);
    await until(() => (told.length > 1 ? true : undefined));
    expect(told[1]).toBe('t1 is back');
    expect(isEjected(dead.state)).toBe(false);
  });

  it('says why when nobody is there', async () => {
    const client = new Client(await proxy([targetAt(await deadPort())]));
    expect(await client.send(GET).until(/\n$/)).toMatch(
      /^HTTP\/1.1 502 Bad Gateway\r\n.*service test could not be reached/s,
    );
  });

  it('repeats a GET on another instance when the connection breaks before the response', async () => {
    const cut = await backend((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const good = await backend(named('good'));
    const client = new Client(await proxy([targetAt(cut.port, 1), targetAt(good.port, 2)]));
    expect(await client.send(GET).until(/good$/)).toMatch(/^HTTP\/1.1 200/);
  });

  it('notices that idle connections to an instance were closed, and sends even a POST again', async () => {
    const { port, sockets } = await backend(named('a'));
    const client = new Client(await proxy([targetAt(port)]));
    await client.send(GET).until(/\r\n\r\na$/);
    const [idle] = sockets;
    const closed = once(idle!, 'close');
    idle!.end();
    await closed;
    client.text = '';
    client.send('POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 0\r\n\r\n');
    expect(await client.until(/\r\n\r\na$/)).toMatch(/^HTTP\/1.1 200/);
  });

  it('lets a request finish whose instance left the table', async () => {
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const old = await backend((socket) => {
      socket.once('data', () => {
        answer();
        setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n'));
      });
    });
    const server = await proxy([targetAt(old.port, 1)]);
    const client = new Client(server).send(GET);
    await asked;
    const next = await backend(named('new'));
    server.setRoutes(routeTo([targetAt(next.port, 2)]));
    await client.until(/\r\n\r\n$/);
    for (const socket of old.sockets) socket.write('old');
    await client.until(/old$/);
    expect(await client.send(GET).until(/new$/)).toMatch(/old.*new$/s);
  });

  it('routes a request by what was published before it, though its loop has not come to that yet', async () => {
    const [old, next] = [await backend(named('old')), await backend(named('new'))];
    let waiting = () => {};
    const server = await proxy([targetAt(old.port, 1)], { catchUp: () => waiting() });
    const client = new Client(server);
    await client.send(GET).until(/old$/);
    waiting = () => server.setRoutes(routeTo([targetAt(next.port, 2)]));
    expect(await client.send(GET).until(/new$/)).toMatch(/old.*new$/s);
  });

  it('holds the instance back while the client reads nothing, and loses no byte', async () => {
    const total = 48 * 1024 * 1024;
    const chunk = Buffer.alloc(1 << 20, 'muster ');
    const { port, sockets } = await backend((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
        for (let sent = 0; sent < total; sent += chunk.length) socket.write(chunk);
      });
    });
    const client = new Client(await proxy([targetAt(port)]));
    client.socket.removeAllListeners('data');
    await new Promise<void>((resolve) => client.socket.once('connect', resolve));
    client.socket.pause();
    client.send(GET);
    const [socket] = await until(() => (sockets.size === 1 ? [...sockets] : undefined));
    // Until nothing moves any more: the proxy and the kernel are full.
    let last = -1;
    await until(() => {
      const left = socket!.writableLength;
      const isStill = left === last && left > 0 && left < total + 1000 && socket!.bytesWritten > 0;
      last = left;
      return isStill ? true : undefined;
    });
    expect(socket!.writableLength).toBeGreaterThan(total / 4);
    const hash = createHash('sha1');
    let head = true;
    let got = 0;
    client.socket.on('data', (data) => {
      let part = data;
      if (head) {
        part = data.subarray(data.indexOf('\r\n\r\n') + 4);
        head = false;
      }
      got += part.length;
      hash.update(part);
    });
    client.socket.resume();
    await until(() => (got >= total ? true : undefined));
    const wanted = createHash('sha1');
    for (let sent = 0; sent < total; sent += chunk.length) wanted.update(chunk);
    expect(hash.digest('hex')).toBe(wanted.digest('hex'));
  });

  it('gets a refusal across although the client is still sending', async () => {
    const client = new Client(await proxy([targetAt(1)]));
    client.send(`GET / HTTP/1.1\r\nHost: x.test\r\nX: ${'x'.repeat(4_000_000)}\r\n\r\n`);
    expect(await client.ended()).toMatch(/^HTTP\/1.1 431 .*too many or too long/s);
  });

  it.each(['client', 'instance'])(
    'passes an upgraded connection on, both ways and to the end, which the %s begins',
    async (first) => {
      const { port } = await backend((socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
          socket.on('data', (data) => (first === 'client' ? socket.write(data) : socket.end(`${data}bye`)));
          socket.on('end', () => first === 'client' && socket.end('bye'));
        });
      });
      const server = await proxy([targetAt(port)]);
      const client = new Client(server);
      const upgrade = 'GET / HTTP/1.1\r\nHost: x.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';
      await client.send(upgrade).until(/101/);
      await client.send('ping').until(/ping/);
      if (first === 'client') client.socket.end();
      expect(await client.ended()).toMatch(/pingbye$/);
      client.socket.end();
      await until(() => (server.connections === 0 ? true : undefined));
    },
  );

  it('drains: takes nothing new, says close, finishes what is under way, ends idle connections', async () => {
    let release = () => {};
    const slow = await backend((socket) => {
      socket.on('data', () => {
        release = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
      });
    });
    const server = await proxy([targetAt(slow.port)]);
    const idle = new Client(server);
    await once(idle.socket, 'connect');
    const busy = new Client(server).send(GET);
    await until(() => (slow.sockets.size === 1 && server.connections === 2 ? true : undefined));
    const drained = server.close('web', { patience: 5_000, isReplaced: false });
    await idle.ended();
    idle.socket.end();
    const late = connect(addresses.get(server)!);
    await once(late, 'error');
    release();
    expect(await busy.ended()).toMatch(/Connection: close\r\n.*done$/s);
    busy.socket.end();
    await drained;
    expect(server.connections).toBe(0);
  });

  it('answers what a client sends on an idle connection in the moment of the drain', async () => {
    const { port } = await backend(named('a'));
    const server = await proxy([targetAt(port)], { limits: { lameDuck: 10_000 } });
    const client = new Client(server);
    await client.send(GET).until(/\r\n\r\na$/);
    const drained = server.close('web', { patience: 20_000, isReplaced: false });
    client.text = '';
    client.send(GET);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*a$/s);
    client.socket.end();
    await drained;
  });

  it('loses no request to a drain under load', async () => {
    const { port } = await backend(named('a'));
    const server = await proxy([targetAt(port)], { limits: { lameDuck: 10_000 } });
    let answered = 0;
    let lost = 0;
    let isDraining = false;
    /** Asks again and again on one connection, with pauses, until it is told to close; then on a new one until the drain. */
    const user = async (pause: number) => {
      while (!isDraining) {
        const client = new Client(server);
        await once(client.socket, 'connect');
        const closed = once(client.socket, 'close');
        do {
          client.text = '';
          client.send(GET);
          while (!client.text.endsWith('\r\n\r\na') && !client.socket.closed)
            await Promise.race([once(client.socket, 'data'), closed]);
          if (!client.text.endsWith('\r\n\r\na')) lost++;
          else answered++;
          await new Promise((resolve) => setTimeout(resolve, pause));
        } while (!client.text.includes('Connection: close') && !client.socket.closed);
        client.socket.end();
      }
    };
    const users = Array.from({ length: 40 }, (_, i) => user(i % 20));
    await until(() => (answered > 400 ? true : undefined));
    isDraining = true;
    await server.close('web', { patience: 20_000, isReplaced: false });
    await Promise.all(users);
    expect(lost).toBe(0);
    expect(answered).toBeGreaterThan(440);
  });

  it('takes no more connections than it may', async () => {
    const { port } = await backend(named('a'));
    const server = await proxy([targetAt(port)], { limits: { maxConnections: 1 } });
    const first = new Client(server);
    await first.send(GET).until(/\r\n\r\na$/);
    const second = new Client(server).send(GET);
    await second.ended();
    expect(second.text).toBe('');
    first.text = '';
    await first.send(GET).until(/\r\n\r\na$/);
  });

  it('without a host listens on all addresses, of both families', async () => {
    const server = await proxy([targetAt((await backend(named('a'))).port)]);
    const { port } = await server.open({ id: 'everywhere', protocol: 'http', host: '', port: 0 });
    const withIpv6 = Object.values(networkInterfaces()).some((all) =>
      all?.some(({ address }) => address === '::1'),
    );
    for (const host of withIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
      addresses.set(server, { host, port });
      await new Client(server).send(GET).until(/\r\n\r\na$/);
    }
  });

  it('says which port is in use', async () => {
    const server = await proxy([]);
    const { host, port } = addresses.get(server)!;
    const error = await server
      .open({ id: 'taken', protocol: 'http', host, port })
      .catch((thrown: unknown) => thrown);
    expect(isMusterError(error, 'listen.in_use')).toBe(true);
  });
});

/** Asks again and again. */
async function until<T>(ask: () => T | undefined): Promise<T> {
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
