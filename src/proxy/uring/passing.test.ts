/** Bodies and connections whose bytes go from one socket to another without a copy, by real sockets. */
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import koffi from 'koffi';
import { afterEach, describe, expect, it } from 'vitest';
import { CounterReader, createCounterBlock } from '../counters.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import { ProxyServer } from '../net/server.ts';
import { OBSTACLE, transportFor } from './fixtures.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Bytes that tell where they are, so that one too many, too few or from elsewhere shows. */
function bytesOf(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0, state = seed | 1; at < size; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

/** An HTTP server; answers with its port. */
async function instance(serve: http.RequestListener): Promise<number> {
  const server = http.createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** One that speaks for itself. */
async function raw(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    closers.push(() => socket.destroy());
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function proxyTo(port: number) {
  const troubles: string[] = [];
  const { transport, astray, moved } = await transportFor('uring', {
    onTrouble: (why) => troubles.push(why),
  });
  const block = createCounterBlock();
  const counters = new CounterReader();
  counters.add(block);
  const server = new ProxyServer({ routes: routeTo([targetAt(port, 1)]), counters: block }, transport);
  closers.push(async () => {
    await server.stop();
    expect(astray()).toEqual({ slots: 0, completions: 0 });
  });
  const address = await server.open({ id: 'web', protocol: 'http', host: '127.0.0.1', port: 0 });
  return { address, counters, moved, astray, troubles };
}

type Proxy = Awaited<ReturnType<typeof proxyTo>>;

const agent = () => {
  const one = new http.Agent({ keepAlive: true, maxSockets: 1 });
  closers.push(() => one.destroy());
  return one;
};

/** Sends in the pieces that are asked for, each when the one before is with the system. */
async function send(to: NodeJS.WritableStream, body: Buffer, pieces: readonly number[]): Promise<void> {
  for (let at = 0, i = 0; at < body.length; i++) {
    const piece = body.subarray(at, at + (pieces[i % pieces.length] ?? body.length));
    at += piece.length;
    await new Promise<void>((resolve) => to.write(piece, () => resolve()));
  }
  to.end();
}

async function read(from: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of from) parts.push(part);
  return Buffer.concat(parts);
}

interface Ask {
  readonly with: http.Agent;
  readonly path?: string;
  readonly body?: Buffer;
  readonly pieces?: readonly number[];
  readonly isChunked?: boolean;
}

async function ask({ address }: Proxy, { with: agent, path = '/', body, pieces = [], isChunked }: Ask) {
  const request = http.request({
    ...address,
    agent,
    path,
    method: body === undefined ? 'GET' : 'POST',
    headers: body === undefined || isChunked === true ? {} : { 'Content-Length': body.length },
  });
  if (body === undefined) request.end();
  else void send(request, body, pieces);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return response;
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

/** Descriptors of this process's pipes. */
function pipes(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:');
      } catch {
        // It was the descriptor that listed the folder.
        return false;
      }
    });
}

/** Sizes around those at which something changes, and pieces of all sizes. */
const sizes = fc.oneof(fc.nat(2_000), fc.integer({ min: 60_000, max: 90_000 }), fc.nat(900_000));
const cuts = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 3_000, max: 300_000 })),
  {
    minLength: 1,
    maxLength: 6,
  },
);
const message = fc.record({ size: sizes, pieces: cuts, isChunked: fc.boolean(), seed: fc.nat() });
/** None goes through in a thousand pieces. */
const isQuick = ({ size, pieces }: { size: number; pieces: readonly number[] }) => {
  const whole = pieces.reduce((sum, one) => sum + one, 0);
  return (size / whole) * pieces.length < 150;
};

describe.skipIf(OBSTACLE !== undefined)('bodies that are passed on', () => {
  it('arrive as they were sent, both ways, whatever their sizes, pieces and framing, one after the other', async () => {
    const answers = new Map<string, { body: Buffer; pieces: number[]; isChunked: boolean }>();
    const got = new Map<string, Buffer>();
    const port = await instance((request, response) => {
      void read(request).then((body) => {
        got.set(request.url!, body);
        const answer = answers.get(request.url!)!;
        if (!answer.isChunked) response.setHeader('Content-Length', answer.body.length);
        return send(response, answer.body, answer.pieces);
      });
    });
    const proxy = await proxyTo(port);
    const connection = agent();
    let turn = 0;
    const exchange = fc.tuple(message.filter(isQuick), message.filter(isQuick));
    await fc.assert(
      fc.asyncProperty(fc.array(exchange, { minLength: 1, maxLength: 4 }), async (exchanges) => {
        for (const [asked, answered] of exchanges) {
          const path = `/${turn++}`;
          const body = bytesOf(asked.size, asked.seed);
          const answer = bytesOf(answered.size, answered.seed);
          answers.set(path, { ...answered, body: answer });
          const response = await ask(proxy, { ...asked, with: connection, path, body });
          expect((await read(response)).equals(answer)).toBe(true);
          expect(got.get(path)?.equals(body)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
    expect(proxy.moved()).toBeGreaterThan(1_000_000);
    expect(proxy.troubles).toEqual([]);
  });

  it('are counted to the byte', async () => {
    const [sent, answered] = [bytesOf(700_000, 1), bytesOf(1_300_000, 2)];
    const port = await instance((request, response) => {
      request.resume().on('end', () => response.setHeader('Content-Length', answered.length).end(answered));
    });
    const proxy = await proxyTo(port);
    const response = await ask(proxy, { with: agent(), body: sent });
    await read(response);
    // The client may have all before that is accounted for.
    await until(() => proxy.counters.overall().inFlight === 0);
    const { bytesIn, bytesOut } = proxy.counters.overall();
    expect(bytesIn).toBeGreaterThan(sent.length);
    expect(bytesIn).toBeLessThan(sent.length + 500);
    expect(bytesOut).toBeGreaterThan(answered.length);
    expect(bytesOut).toBeLessThan(answered.length + 500);
    expect(proxy.moved()).toBeGreaterThan(1_000_000);
  });

  it('end with the connection where nothing else says their end', async () => {
    const body = bytesOf(800_000, 3);
    const port = await raw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.0 200 OK\r\n\r\n');
        void send(socket, body, [70_000, 3, 200_000]);
      });
    });
    const proxy = await proxyTo(port);
    const client = connect(proxy.address);
    closers.push(() => client.destroy());
    client.write('GET / HTTP/1.0\r\n\r\n');
    const all = await read(client);
    expect(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(body)).toBe(true);
    expect(proxy.moved()).toBeGreaterThan(500_000);
  });

  it('wait in buffers for a client that does not read, and go on as before when it does', async () => {
    const body = bytesOf(30_000_000, 4);
    const port = await instance((_, response) => {
      response.setHeader('Content-Length', body.length).end(body);
    });
    const proxy = await proxyTo(port);
    const response = await ask(proxy, { with: agent() });
    response.pause();
    await until(() => proxy.astray().slots > 0);
    expect(proxy.astray().slots).toBeLessThan(40);
    const before = proxy.moved();
    expect((await read(response)).equals(body)).toBe(true);
    expect(proxy.moved()).toBeGreaterThan(before);
  });

  it('are over when the client goes away in the middle', async () => {
    let wasCut = false;
    const port = await instance((_, response) => {
      response.on('close', () => {
        wasCut = true;
      });
      response.setHeader('Content-Length', 50_000_000).write(bytesOf(20_000_000, 5));
    });
    const proxy = await proxyTo(port);
    const response = await ask(proxy, { with: agent() });
    await until(() => proxy.moved() > 0);
    response.destroy();
    await until(() => wasCut);
    await until(() => proxy.counters.overall().inFlight === 0);
  });

  it('are cut where the instance cuts them, behind all that it sent', async () => {
    const body = bytesOf(600_000, 6);
    const port = await raw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
        void send(socket, body, [100_000]);
      });
    });
    const proxy = await proxyTo(port);
    const response = await ask(proxy, { with: agent() });
    const parts: Buffer[] = [];
    response.on('data', (part) => parts.push(part));
    const [error] = (await once(response, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(Buffer.concat(parts).equals(body)).toBe(true);
    await until(() => proxy.counters.overall().inFlight === 0);
  });

  it('are no longer than was said: what an instance sends beyond is nobody’s answer', async () => {
    const body = bytesOf(300_000, 7);
    let connections = 0;
    const port = await raw((socket) => {
      connections++;
      socket.on('data', () => {
        const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
        const beyond = asked++ < FINE ? '' : 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
        socket.write(Buffer.concat([Buffer.from(head), body, Buffer.from(beyond)]));
      });
    });
    // So many are as they should be, until the connection takes an answer in one go.
    const FINE = 20;
    let asked = 0;
    const proxy = await proxyTo(port);
    const connection = agent();
    for (let i = 0; i < FINE; i++) await read(await ask(proxy, { with: connection }));
    expect(connections).toBe(1);
    const client = connect(proxy.address);
    closers.push(() => client.destroy());
    // The second one is on its way as soon as the first one has its answer.
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2));
    let got = Buffer.alloc(0);
    client.on('data', (part) => {
      got = Buffer.concat([got, part]);
    });
    await until(() => got.length > 2 * body.length);
    expect(got.includes('evil')).toBe(false);
    expect(connections).toBe(2);
  });

  it('are given up when the instance answers before it has read them', async () => {
    const port = await raw((socket) => {
      socket.once('data', () => {
        socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      });
    });
    const proxy = await proxyTo(port);
    const client = connect(proxy.address);
    closers.push(() => client.destroy());
    client.on('error', () => {});
    client.write('POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 40000000\r\n\r\n');
    const body = bytesOf(1_000_000, 8);
    const feed = () => {
      while (!client.destroyed && client.write(body));
    };
    client.on('drain', feed);
    feed();
    let answer = '';
    client.on('data', (part) => {
      answer += part;
    });
    await until(() => answer.endsWith('no'));
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    client.destroy();
    await until(() => proxy.counters.overall().inFlight === 0);
  });

  it('are copied where the system refuses to move them, and that is said once', async () => {
    const body = bytesOf(500_000, 9);
    const port = await instance((_, response) => {
      response.setHeader('Content-Length', body.length).end(body);
    });
    const before = new Set(pipes());
    const proxy = await proxyTo(port);
    const dup2 = koffi.load(null).func('int dup2(int from, int to)');
    const nothing = openSync('/dev/null', 'r+');
    closers.push(() => closeSync(nothing));
    for (const fd of pipes()) if (!before.has(fd)) dup2(nothing, fd);
    const connection = agent();
    for (let i = 0; i < 3; i++)
      expect((await read(await ask(proxy, { with: connection }))).equals(body)).toBe(true);
    expect(proxy.moved()).toBe(0);
    expect(proxy.troubles).toEqual([expect.stringMatching(/^large bodies are copied: splice: E/)]);
  });
});
