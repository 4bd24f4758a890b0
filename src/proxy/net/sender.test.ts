import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemory, OUT, READ_SIZE } from '../http1/memory.ts';
import { Sender } from './sender.ts';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** Both ends of a connection; the far one reads nothing until it is told to. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect({ port: (server.address() as { port: number }).port });
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [
    [Socket],
    unknown,
  ];
  closers.push(
    () => server.close(),
    () => near.destroy(),
    () => far.destroy(),
  );
  near.on('error', () => {});
  return { near, far };
}

describe.each([
  ['directly', true],
  ['where there is no direct way', false],
])('sending %s', (_, direct) => {
  it('keeps the bytes of a slow reader apart from those that come after them', async () => {
    const { near, far } = await pair();
    const memory = createMemory();
    let drained = 0;
    const sender = new Sender(near, () => drained++);
    if (direct) sender.open();
    const wanted: number[] = [];
    let refused = false;
    // Each range overwrites the one before it, as the engine does, until the kernel takes no more.
    for (let i = 0; !refused; i++) {
      const length = i % 2 === 0 ? 300 : READ_SIZE;
      memory.fill(i % 251, OUT, OUT + length);
      refused = !sender.send(memory, OUT, OUT + length);
      wanted.push(length);
    }
    for (let i = 0; i < 3; i++) {
      memory.fill(255, OUT, OUT + 300);
      sender.send(memory, OUT, OUT + 300);
    }
    expect(sender.isEmpty).toBe(false);
    const total = wanted.reduce((a, b) => a + b) + 900;
    const parts: Buffer[] = [];
    let seen = 0;
    far.on('data', (part: Buffer) => {
      parts.push(part);
      seen += part.length;
    });
    far.resume();
    while (seen < total) await once(far, 'data');
    const all = Buffer.concat(parts);
    let at = 0;
    for (const [i, length] of wanted.entries()) {
      expect(all.subarray(at, at + length).every((byte) => byte === i % 251)).toBe(true);
      at += length;
    }
    expect(all.subarray(at).every((byte) => byte === 255)).toBe(true);
    while (!sender.isEmpty) await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBeGreaterThan(0);
    memory.fill(1, OUT, OUT + 10);
    expect(sender.send(memory, OUT, OUT + 10)).toBe(true);
  });

  it('ends the socket when the peer is gone', async () => {
    const { near, far } = await pair();
    const memory = createMemory();
    const sender = new Sender(near, () => {});
    if (direct) sender.open();
    far.resetAndDestroy();
    const closed = new Promise((resolve) => near.once('close', resolve));
    for (let i = 0; !near.destroyed && i < 1_000; i++) {
      sender.send(memory, OUT, OUT + 10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    sender.send(memory, OUT, OUT + 10);
  });
});
