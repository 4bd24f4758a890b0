/** Connections to instances over time. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { routeTo, targetAt } from '../fixtures.ts';
import { latin1 } from '../http1/bytes.ts';
import { World } from '../http1/fake-transport.ts';
import type { Asking } from '../http1/links.ts';
import { Dialer } from '../tls/dialer.ts';
import { END_HEADERS, FrameReader, HEADERS, SETTINGS } from './frames.ts';
import { closers } from './http2.test-support.ts';
import { PREFACE_LENGTH } from './preface.ts';
import { fields, frame } from './raw-client.test-support.ts';
import { Http2Pool } from './upstream-pool.ts';

it('lets a connection go that nobody uses any more, though its instance never ends what it answers', async () => {
  let socket: Socket | undefined;
  const server = createServer((given) => {
    socket = given.on('error', () => {});
    let preface = PREFACE_LENGTH;
    const reader = new FrameReader({
      isOver: false,
      dataBegins() {},
      data() {},
      dataEnds() {},
      frame(type, _flags, id) {
        const answer = fields([':status', '200'], ['content-length', '2']);
        if (type === HEADERS)
          given.write(
            Buffer.concat([frame(HEADERS, END_HEADERS, id, answer), frame(0, 0, id, Buffer.from('ok'))]),
          );
      },
      broken() {},
    });
    given.write(frame(SETTINGS, 0, 0));
    given.on('data', (bytes) => {
      const skipped = Math.min(preface, bytes.length);
      preface -= skipped;
      reader.read(bytes, skipped, bytes.length);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());

  const world = new World(routeTo([]));
  const { engine } = world;
  const pool = new Http2Pool(engine, new Dialer());
  let connected = () => {};
  let answered = () => {};
  let answer = '';
  const asking: Asking = {
    dispatch: { opened: () => connected() },
    upstreamReceived(start, end) {
      answer += Buffer.from(engine.memory.subarray(start, end)).toString('latin1');
      if (answer.endsWith('ok')) answered();
    },
    upstreamEnded() {},
    upstreamClosed() {},
    upstreamDrained() {},
    progressed() {},
  };
  const target = targetAt((server.address() as { port: number }).port);
  const isConnected = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const upstream = pool.open(asking, target, false);
  await isConnected;
  const isAnswered = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const request = latin1('GET / HTTP/1.1\r\nHost: x.test\r\n\r\n');
  upstream.begin(request, 0, request.length);
  await isAnswered;
  upstream.release();

  const closed = once(socket!, 'close');
  let isClosed = false;
  socket!.on('close', () => {
    isClosed = true;
  });
  world.time += 49_000;
  pool.sweep(engine.touch());
  await new Promise((resolve) => setImmediate(resolve));
  expect(isClosed).toBe(false);
  world.time += 2_000;
  pool.sweep(engine.touch());
  await closed;
});
