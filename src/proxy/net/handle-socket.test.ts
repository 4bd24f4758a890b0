import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Seats } from '../seats.ts';
import { Acceptor } from './acceptor.ts';
import { HandleSocket, isTcpHandle } from './handle-socket.ts';
import { Sender } from './sender.ts';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** An accepted connection with what it tells, and its far end. */
async function accepted() {
  const acceptor = await Acceptor.listen({ id: 'one', host: '127.0.0.1', port: 0 }, undefined);
  const buffer = Buffer.alloc(65_536);
  const heard: string[] = [];
  const told = new Map<string, () => void>();
  const tell = (what: string) => {
    heard.push(what);
    told.get(what)?.();
  };
  const near = new Promise<HandleSocket>((resolve, reject) => {
    acceptor.begin(
      (handle) => {
        if (!isTcpHandle(handle)) throw new Error('no handle of libuv');
        resolve(
          new HandleSocket(handle, buffer, {
            received: (length) => {
              tell(buffer.toString('latin1', 0, length));
              return undefined;
            },
            ended: () => tell('ended'),
            closed: () => tell('closed'),
          }),
        );
      },
      new Seats(9, () => reject(new Error('not accepted'))),
    );
  });
  const far: Socket = connect({ ...acceptor.address, allowHalfOpen: true });
  far.on('error', () => {});
  const socket = await near;
  closers.push(
    () => acceptor.close(),
    () => socket.destroy(),
    () => far.destroy(),
  );
  socket.resume();
  return {
    socket,
    far,
    heard,
    until: (what: string) =>
      heard.includes(what)
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            told.set(what, resolve);
          }),
  };
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const part of socket) text += part;
  return text;
}

describe('a socket by its handle alone', () => {
  it('says what comes and who is there', async () => {
    const { socket, far, until } = await accepted();
    far.write('good day');
    await until('good day');
    expect(socket.remoteAddress).toBe('127.0.0.1');
    expect(socket.remotePort).toBe(far.localPort);
  });

  it('reads nothing while it is paused', async () => {
    const { socket, far, heard, until } = await accepted();
    socket.pause();
    far.write('one');
    const sender = new Sender(socket, () => {});
    sender.open();
    sender.give(Buffer.from('!'));
    await once(far, 'data');
    expect(heard).toEqual([]);
    socket.resume();
    await until('one');
  });

  it('goes on sending to a peer that has ended, and is gone when it ends too', async () => {
    const { socket, far, heard, until } = await accepted();
    far.end('all');
    await until('ended');
    const sender = new Sender(socket, () => {});
    sender.open();
    sender.give(Buffer.from('answer'));
    sender.end();
    expect(await textOf(far)).toBe('answer');
    await until('closed');
    expect(heard).toEqual(['all', 'ended', 'closed']);
  });

  it('hears what comes behind its own end, and is gone when the peer ends', async () => {
    const { socket, far, heard, until } = await accepted();
    socket.end();
    await once(far.resume(), 'end');
    far.end('late');
    await until('closed');
    expect(heard).toEqual(['late', 'ended', 'closed']);
  });

  it.each([
    ['closes', false],
    ['closes, half-closed already,', true],
  ])('%s behind everything sent', async (_, isHalfClosed) => {
    const { socket, far, until } = await accepted();
    far.pause();
    const sender = new Sender(socket, () => {});
    sender.open();
    const part = Buffer.alloc(65_536, 'x');
    let length = 0;
    // Until the system takes no more: the rest waits for the far end to read.
    do length += part.length;
    while (sender.give(part));
    if (isHalfClosed) sender.end();
    sender.finish();
    expect(socket.destroyed).toBe(false);
    expect((await textOf(far)).length).toBe(length);
    await until('closed');
  });

  it('closes at once when it was ended before', async () => {
    const { socket, far, until } = await accepted();
    socket.end();
    await once(far.resume(), 'end');
    socket.destroySoon();
    await until('closed');
  });

  it('shows an error to the peer when it is reset', async () => {
    const { socket, far, until } = await accepted();
    const failed = once(far, 'error');
    socket.resetAndDestroy();
    expect(((await failed)[0] as NodeJS.ErrnoException).code).toBe('ECONNRESET');
    await until('closed');
  });

  it('is gone when the peer resets, and can be told anything then', async () => {
    const { socket, far, heard, until } = await accepted();
    far.resetAndDestroy();
    await until('closed');
    const sender = new Sender(socket, () => {});
    sender.open();
    sender.give(Buffer.from('nobody is there'));
    socket.pause();
    socket.resume();
    socket.end();
    socket.resetAndDestroy();
    expect(socket.remotePort).toBeUndefined();
    expect(heard).toEqual(['closed']);
  });

  it('is closed by a reset, though it waits to end behind what its peer does not take', async () => {
    const { socket, far, until } = await accepted();
    far.pause();
    const sender = new Sender(socket, () => {});
    sender.open();
    const bytes = Buffer.alloc(32_000_000);
    sender.send(bytes, 0, bytes.length);
    socket.destroySoon();
    expect(socket.destroyed).toBe(false);
    socket.resetAndDestroy();
    await until('closed');
  });
});
