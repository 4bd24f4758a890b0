import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { SpareDescriptor } from '../spare-descriptor.ts';
import { Acceptor } from './acceptor.ts';
import { listenOn } from './calls.ts';
import { OBSTACLE } from './fixtures.ts';
import { loadLibc } from './libc.ts';
import { Loop } from './loop.ts';

it.skipIf(OBSTACLE !== undefined)(
  'a loop that is abandoned in the middle of a turn leaves no client behind that nobody knows of',
  async () => {
    const libc = await loadLibc();
    const loop = await Loop.start(libc, { slots: 64, isShared: true });
    const { fds, host, port } = listenOn(loop, Uint8Array.of(127, 0, 0, 1), 0, true);
    const broken = new Promise((resolve) => loop.onBroken(resolve));
    const fault = new Error('a fault of ours');
    new Acceptor(loop, fds[0]!, {
      accepted(fd) {
        // Told to close, and in the same turn it is all over.
        loop.closeDescriptor(fd);
        throw fault;
      },
      refused() {},
      spare: new SpareDescriptor(),
    });
    const clients = Array.from({ length: 5 }, () => connect(port, host));
    // Whether by an end or by a reset.
    const closed = Promise.all(
      clients.map((client) => {
        client.on('error', () => {});
        return new Promise((resolve) => client.resume().on('close', resolve));
      }),
    );
    expect(await broken).toBe(fault);
    loop.abandon();
    loop.abandon();
    await closed;
    expect(loop.estate.size).toBeGreaterThan(0);
    loop.estate.settle(libc);
    expect(loop.estate.size).toBe(0);
  },
);
