import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type DialEvents, dial } from './dialled-socket.ts';
import type { HandleSocket } from './handle-socket.ts';
import { Sender } from './sender.ts';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

async function listening(host: string): Promise<{ port: number; accepted: Promise<Socket> }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, host);
  await once(server, 'listening');
  closers.push(() => server.close());
  const accepted = once(server, 'connection').then(([socket]) => {
    closers.push(() => (socket as Socket).destroy());
    return socket as Socket;
  });
  return { port: (server.address() as AddressInfo).port, accepted };
}

/** Dials, and writes down what is heard until it is closed. */
function dialled(host: string, port: number, opened: (socket: HandleSocket) => void = () => {}) {
  const buffer = Buffer.alloc(65_536);
  const heard: string[] = [];
  let onClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const events: DialEvents = {
    opened: () => {
      heard.push('opened');
      opened(socket!);
    },
    failed: ({ code, message }) => heard.push(`${code}: ${message}`),
    received: (length) => {
      heard.push(buffer.toString('latin1', 0, length));
      return undefined;
    },
    ended: () => heard.push('ended'),
    closed: (isClean) => {
      heard.push(isClean ? 'closed' : 'broken');
      onClosed();
    },
  };
  const socket = dial(host, port, buffer, events);
  expect(heard).toEqual([]);
  return { socket, heard, closed };
}

describe('a connection by its handle alone', () => {
  it.each(['127.0.0.1', '::1'])('to %s sends and hears, and ends with both directions', async (host) => {
    const { port, accepted } = await listening(host);
    const { heard, closed } = dialled(host, port, (socket) => {
      socket.resume();
      const sender = new Sender(socket, () => {});
      sender.open();
      sender.give(Buffer.from('ask'));
      socket.end();
      expect(socket.writable).toBe(false);
    });
    const far = await accepted;
    let asked = '';
    far.on('data', (part) => {
      asked += String(part);
    });
    await once(far, 'end');
    expect(asked).toBe('ask');
    far.end('answer');
    await closed;
    expect(heard).toEqual(['opened', 'answer', 'ended', 'closed']);
  });

  it('reads nothing before it is resumed', async () => {
    const { port, accepted } = await listening('127.0.0.1');
    const { socket, heard } = dialled('127.0.0.1', port);
    (await accepted).write('!');
    while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(['opened']);
    socket!.resume();
    while (heard.length === 1) await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(['opened', '!']);
    socket!.destroy();
  });

  it.each([
    // Refused by the other side, and by the system before anything is sent.
    ['127.0.0.1', 'ECONNREFUSED'],
    ['255.255.255.255', 'E[A-Z]+'],
  ])('says why it cannot be opened to %s, and is gone', async (host, code) => {
    const { port } = await listening('127.0.0.1');
    for (const close of closers.splice(0)) await close();
    const { heard, closed } = dialled(host, port);
    await closed;
    expect(heard).toEqual([expect.stringMatching(`^(${code}): connect \\1 ${host}:${port}$`), 'broken']);
  });

  it('hears nothing of how it went when it was given up', async () => {
    const { port } = await listening('127.0.0.1');
    const { socket, heard, closed } = dialled('127.0.0.1', port);
    socket!.destroy();
    await closed;
    expect(heard).toEqual(['closed']);
    const unreachable = dialled('255.255.255.255', port);
    unreachable.socket!.destroy();
    await unreachable.closed;
    expect(unreachable.heard).toEqual(['closed']);
  });

  it('is not for names, which have to be looked up', () => {
    expect(dialled('localhost', 80).socket).toBeUndefined();
  });
});
