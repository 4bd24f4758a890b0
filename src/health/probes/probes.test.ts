import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { EMPTY_SPEC } from '../spec.ts';
import { type ExpectOptions, expectProbe } from './expect.ts';
import { verdictProbe } from './verdict.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const context = { signal: new AbortController().signal, outputMaxSize: 100 };

async function answering(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    undo.push(() => socket.destroy());
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const statusOf = async (options: Partial<ExpectOptions> & { port: number }, timeout = 5_000) => {
  const probe = expectProbe({
    host: '127.0.0.1',
    protocol: 'tcp',
    send: Buffer.from('PING\n'),
    length: 4,
    matches: (answer) => answer.toString() === 'PONG',
    ...options,
  });
  return (await probe.probe({ ...EMPTY_SPEC, timeout }, context)).status;
};

describe('an expected answer', () => {
  it('passes however it is cut, and whatever follows it', async () => {
    const port = await answering((socket) =>
      socket.on('data', (data) => {
        if (String(data) !== 'PING\n') return;
        socket.write('PO');
        setImmediate(() => socket.write('NG and more'));
      }),
    );
    expect(await statusOf({ port })).toBe('passing');
  });

  it.each([
    ['another answer', (socket: Socket) => socket.end('SICK')],
    ['less than is expected', (socket: Socket) => socket.end('PON')],
    ['nothing', (socket: Socket) => socket.end()],
    ['a break', (socket: Socket) => socket.resetAndDestroy()],
  ])('%s is critical', async (_, serve) => {
    expect(
      await statusOf({ port: await answering((socket) => socket.once('data', () => serve(socket))) }),
    ).toBe('critical');
  });

  it('silence is critical when the time is up', async () => {
    expect(await statusOf({ port: await answering(() => {}) }, 50)).toBe('critical');
  });

  it('works over datagrams, and knows when nobody is there', async () => {
    const server = createSocket('udp4');
    server.on('message', (_, from) => server.send('PONG', from.port, from.address));
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    expect(await statusOf({ port, protocol: 'udp' })).toBe('passing');
    server.close();
    await once(server, 'close');
    expect(await statusOf({ port, protocol: 'udp' })).toBe('critical');
  });
});

describe("a program's verdict", () => {
  const statusFor = async (script: string, timeout = 5_000) => {
    const probe = verdictProbe({ command: ['/bin/sh', '-c', script], positive: '1', negative: '0' });
    return (await probe.probe({ ...EMPTY_SPEC, timeout }, context)).status;
  };

  it.each([
    ['printf 1', 'passing'],
    ['printf 0', 'critical'],
    ['echo 1', 'warning'],
    ['printf 1; exit 3', 'critical'],
    ['sleep 30 & printf 1', 'passing'],
  ])('%s: %s', async (script, status) => {
    expect(await statusFor(script)).toBe(status);
  });

  it('takes its time, but not more than it may', async () => {
    expect(await statusFor('sleep 30', 50)).toBe('critical');
  });
});
