/** A client's connection on a wire that takes nothing. */
import { expect, it } from 'vitest';
import { routeTo } from '../fixtures.ts';
import { World } from '../http1/fake-transport.ts';
import type { Wire } from '../net/wire.ts';
import { Http2Connection } from './connection.ts';
import { SETTINGS } from './frames.ts';
import { PREFACE } from './preface.ts';
import { frame, request } from './raw-client.test-support.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('reads no further of a client that takes none of its answers, until it has', async () => {
  const { engine, frontend } = new World(routeTo([]));
  const flow: string[] = [];
  let isTaking = true;
  let sent = 0;
  const sender = {
    isEmpty: true,
    open() {},
    send(_: Uint8Array, start: number, end: number) {
      sent += end - start;
      return isTaking;
    },
    give: () => true,
    end() {},
    finish() {},
  };
  const wire: Wire = {
    socket: { destroy() {} },
    sender,
    security: '',
    begin() {},
    pause: () => void flow.push('pause'),
    resume: () => void flow.push('resume'),
    reset() {},
  };
  const home = { engine, frontend, grpcFrontend: frontend, joined() {}, parted() {}, left() {} };
  const connection = new Http2Connection(home, () => wire);
  const say = async (bytes: Buffer) => {
    connection.take(bytes, bytes.length);
    await turn();
  };
  await say(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
  isTaking = false;
  await say(request(1, { ':method': 'HEAD' }));
  const before = sent;
  let asked = 1;
  for (; flow.length === 0 && asked < 10_000; asked++)
    await say(request(2 * asked + 1, { ':method': 'HEAD' }));
  expect(flow).toEqual(['pause']);
  // Each of them has its answer, which waits.
  expect(asked).toBeLessThan(5_000);
  expect(sent).toBe(before);
  isTaking = true;
  connection.drained();
  await turn();
  expect(flow).toEqual(['pause', 'resume']);
  expect(sent - before).toBeGreaterThan(65_536);
});
