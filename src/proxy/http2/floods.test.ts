import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { CounterReader, createCounterBlock } from '../counters.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import type { ProxyLimits } from '../limits.ts';
import { ProxyServer } from '../net/server.ts';
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  HEADERS,
  PADDED,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frames.ts';
import { PREFACE } from './preface.ts';
import { frame, requestBlock } from './raw-client.test-support.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** GET http://x/ without dynamic table: indexed fields and a literal authority (RFC 7541). */
const GET = Buffer.from([0x82, 0x86, 0x84, 0x01, 0x01, 0x78]);

/** `length`: of what the instance answers. */
async function proxy(limits: Partial<ProxyLimits> = {}, length = 1) {
  const block = createCounterBlock();
  const counts = new CounterReader();
  counts.add(block);
  const instance = http
    .createServer((_, response) => setTimeout(() => response.end(Buffer.alloc(length, 'a')), 5))
    .listen(0, '127.0.0.1');
  await once(instance, 'listening');
  closers.push(() => {
    instance.closeAllConnections();
    instance.close();
  });
  const target = targetAt((instance.address() as { port: number }).port);
  const server = new ProxyServer({
    routes: routeTo([target]),
    counters: block,
    limits: { headTimeout: 2_000, ...limits },
  });
  closers.push(() => server.stop());
  const { port } = await server.open({
    id: 'web',
    protocol: 'http',
    host: '127.0.0.1',
    port: 0,
    http2: true,
  });
  return { server, port, counts, target };
}

function raw(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  closers.push(() => socket.destroy());
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
  return socket;
}

/** Resolves when the connection is gone. */
function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.on('close', () => resolve());
  });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Sends again and again until the other side ends the connection. */
async function flood(socket: Socket, next: (i: number) => Buffer): Promise<void> {
  socket.resume();
  const ended = gone(socket);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (let i = 0; !isOver; i++) {
    if (!socket.write(next(i))) await Promise.race([once(socket, 'drain').catch(() => {}), ended]);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Whether a client that asks as it should is served; not, if its connection ends before. */
async function isServed(port: number): Promise<boolean> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const stream = session.request({ ':path': '/' });
  stream.on('error', () => {});
  let status: number | undefined;
  stream.on('response', (headers) => {
    status = headers[':status'];
  });
  stream.resume();
  await new Promise((resolve) => stream.on('close', resolve));
  session.destroy();
  return status === 200;
}

describe('a client that floods', () => {
  it('with requests that it resets at once is shown out, and others are served', async () => {
    const { port, server, counts, target } = await proxy();
    await flood(raw(port), (i) => {
      const cancel = Buffer.from([0, 0, 0, 8]);
      const id = 2 * i + 1;
      return Buffer.concat([
        frame(HEADERS, END_HEADERS | END_STREAM, id, GET),
        frame(RST_STREAM, 0, id, cancel),
      ]);
    });
    expect(await isServed(port)).toBe(true);
    await until(() => server.connections === 0 && target.state.inFlight === 0);
    expect(counts.overall().inFlight).toBe(0);
  });

  it.each<[string, (id: number) => Buffer[]]>([
    ['longer than was said', (id) => [frame(DATA, 0, id, Buffer.from('too much'))]],
    ['shorter than was said', (id) => [frame(DATA, END_STREAM, id)]],
    ['followed by another head', (id) => [frame(HEADERS, END_HEADERS, id, GET)]],
    ['for which there is no room', (id) => [frame(WINDOW_UPDATE, 0, id, Buffer.alloc(4))]],
  ])('with requests that it has reset by a body %s is shown out', async (_, mistake) => {
    const { port, server, target } = await proxy();
    const post = requestBlock({ ':method': 'POST', 'content-length': '1' });
    const requests = 1_000;
    const socket = raw(port);
    socket.write(
      Buffer.concat(
        Array.from({ length: requests }, (_, i) => 2 * i + 1).flatMap((id) => [
          frame(HEADERS, END_HEADERS, id, post),
          ...mistake(id),
        ]),
      ),
    );
    socket.resume();
    await gone(socket);
    expect(await isServed(port)).toBe(true);
    await until(() => server.connections === 0 && target.state.inFlight === 0);
  });

  it('with header blocks that never end is shown out', async () => {
    const { port, server } = await proxy();
    const socket = raw(port);
    socket.write(frame(HEADERS, 0, 1, GET));
    const filler = Buffer.concat([
      Buffer.from([0x00, 0x01, 0x61, 0x7f, 0x81, 0x7e]),
      Buffer.alloc(16_000, 0x62),
    ]);
    await flood(socket, () => frame(CONTINUATION, 0, 1, filler.subarray(0, 16_000)));
    expect(await isServed(port)).toBe(true);
    await until(() => server.connections === 0);
  });

  it('with pings or settings whose answers it does not read, is shown out', async () => {
    const { port, server } = await proxy();
    for (const one of [frame(PING, 0, 0, new Uint8Array(8)), frame(SETTINGS, 0, 0)]) {
      const socket = raw(port);
      const many = Buffer.concat(Array.from({ length: 2_000 }, () => one));
      let isOver = false;
      void gone(socket).then(() => {
        isOver = true;
      });
      socket.pause();
      await until(() => server.connections === 1);
      // It notices the end only by writing: it reads nothing.
      while (!isOver) {
        if (!socket.write(many)) await new Promise((resolve) => setTimeout(resolve, 1));
        if (server.connections === 0) socket.destroy();
      }
    }
    expect(await isServed(port)).toBe(true);
  });
});

it('answers a header list that is too long', async () => {
  const { port, server } = await proxy();
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  closers.push(() => session.destroy());
  await once(session, 'remoteSettings');
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'y']));
  const stream = session.request({ ':path': '/', ...many });
  stream.on('error', () => {});
  let status = 0;
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  stream.resume();
  await new Promise<void>((resolve) => stream.on('close', () => resolve()));
  expect(status).toBe(431);
  session.destroy();
  await until(() => server.connections === 0);
});

it('lets no client stay that broke the protocol in the middle of a request', async () => {
  const { port, server, target } = await proxy({ stallTimeout: 50 });
  const socket = raw(port);
  socket.write(frame(HEADERS, END_HEADERS, 1, GET));
  // Padding that is longer than the frame.
  socket.write(frame(HEADERS, END_HEADERS | PADDED, 3, Buffer.concat([Buffer.from([255]), GET])));
  socket.resume();
  await gone(socket);
  await until(() => server.connections === 0 && target.state.inFlight === 0);
});

it('lets no client stay that does not take its answer', async () => {
  const { port, server } = await proxy({ stallTimeout: 50, keepAliveTimeout: 50 });
  const socket = raw(port);
  const NO_WINDOW = Buffer.from([0, 4, 0, 0, 0, 0]);
  socket.write(
    Buffer.concat([frame(SETTINGS, 0, 0, NO_WINDOW), frame(HEADERS, END_HEADERS | END_STREAM, 1, GET)]),
  );
  socket.resume();
  await gone(socket);
  await until(() => server.connections === 0);
});

it('lets no client stay whose header block has no end', async () => {
  const { port, server } = await proxy({ headTimeout: 50, stallTimeout: 50, keepAliveTimeout: 50 });
  const socket = raw(port);
  socket.write(frame(HEADERS, END_STREAM, 1, GET));
  socket.resume();
  await gone(socket);
  await until(() => server.connections === 0);
});

it('lets no client stay that reads nothing of an answer which it has taken back', async () => {
  const { port, server, target } = await proxy(
    { stallTimeout: 50, keepAliveTimeout: 50 },
    32 * 1_024 * 1_024,
  );
  const [WINDOW_UPDATE, MOST] = [8, Buffer.from([0x7f, 0, 0, 0])];
  const wide = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
  const asking = () => {
    const socket = raw(port);
    socket.pause();
    socket.write(
      Buffer.concat([
        frame(SETTINGS, 0, 0, wide),
        frame(WINDOW_UPDATE, 0, 0, MOST),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, GET),
      ]),
    );
    return socket;
  };
  let socket = asking();
  await until(() => server.connections === 1);
  await until(() => {
    // On a busy machine the patience may be over before there was much of the answer.
    if (server.connections === 0) socket = asking();
    return target.state.bytes > 1_024 * 1_024;
  });
  socket.write(frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])));
  await until(() => server.connections === 0 && target.state.inFlight === 0);
});

it('survives any frames', async () => {
  const { port, server, counts, target } = await proxy({
    headTimeout: 50,
    stallTimeout: 50,
    keepAliveTimeout: 50,
  });
  const anyFrame = fc
    .tuple(
      fc.integer({ min: 0, max: 12 }),
      fc.nat(255),
      fc.nat(9),
      fc.oneof(fc.constant(GET), fc.uint8Array({ maxLength: 40 })),
    )
    .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload));
  await fc.assert(
    fc.asyncProperty(fc.array(anyFrame, { maxLength: 12 }), async (frames) => {
      const socket = raw(port);
      socket.end(Buffer.concat(frames));
      socket.resume();
      await gone(socket);
    }),
    {
      numRuns: 40,
      // A request that is answered, then what breaks the protocol.
      examples: [[[frame(HEADERS, END_HEADERS | END_STREAM, 7, GET), frame(CONTINUATION, 0, 8, GET)]]],
    },
  );
  // A busy machine may need longer than this proxy's patience for a head: ask again then.
  while (!(await isServed(port)));
  await until(() => server.connections === 0 && target.state.inFlight === 0);
  expect(counts.overall()).toMatchObject({ openConnections: 0, inFlight: 0 });
});
