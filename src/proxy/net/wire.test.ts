import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Seats } from '../seats.ts';
import { type AcceptedHandle, Acceptor } from './acceptor.ts';
import { plainWire, type Wire } from './wire.ts';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** The wire of an accepted connection, what it tells, and its far end. */
async function opened(prepare: (handle: AcceptedHandle) => void) {
  const acceptor = await Acceptor.listen({ id: 'one', host: '127.0.0.1', port: 0 }, undefined);
  const accepted = new Promise<AcceptedHandle>((resolve, reject) => {
    acceptor.begin(resolve, new Seats(9, () => reject(new Error('not accepted'))));
  });
  const far = connect({ ...acceptor.address, allowHalfOpen: true });
  const handle = await accepted;
  prepare(handle);
  const buffer = Buffer.alloc(65_536);
  const heard: string[] = [];
  let onClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const wire: Wire = plainWire(
    handle,
    buffer,
  )({
    received: (length) => {
      heard.push(buffer.toString('latin1', 0, length));
      wire.sender.give(Buffer.from('answer'));
    },
    drained() {},
    ended: () => {
      heard.push('ended');
      wire.sender.end();
    },
    closed: () => onClosed(),
  });
  closers.push(
    () => acceptor.close(),
    () => far.destroy(),
    () => wire.socket.destroy(),
  );
  return { wire, far, heard, closed };
}

describe.each([
  ['by its handle', () => {}],
  // As where Node has not all that is used of a handle.
  ['by a socket', (handle: AcceptedHandle) => Object.assign(handle, { getpeername: undefined })],
])('a connection in clear text, %s', (name, prepare) => {
  it('reads once it begins, answers, hears the end and is gone behind its own', async () => {
    const { wire, far, heard, closed } = await opened(prepare);
    expect(wire.socket instanceof Socket).toBe(name === 'by a socket');
    far.end('ask');
    wire.begin();
    const [answer] = await once(far, 'data');
    expect(String(answer)).toBe('answer');
    await closed;
    expect(heard).toEqual(['ask', 'ended']);
  });

  it('is gone when the peer resets it', async () => {
    const { wire, far, heard, closed } = await opened(prepare);
    wire.begin();
    far.resetAndDestroy();
    await closed;
    expect(heard).toEqual([]);
  });
});
