import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { EMPTY_SPEC } from '../spec.ts';
import { tcp } from './tcp.ts';

const context = { signal: new AbortController().signal, outputMaxSize: 4096 };
const probe = (target: string, timeout = 2000) =>
  tcp.probe({ ...EMPTY_SPEC, tcp: target, interval: 1000, timeout }, context);

describe('tcp check', () => {
  it('passes while the port is open and is critical when it is closed', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const target = `127.0.0.1:${port}`;
    expect(await probe(target)).toEqual({ status: 'passing', output: `TCP connect ${target}: Success` });
    await new Promise((resolve) => server.close(resolve));
    expect(await probe(target)).toEqual({
      status: 'critical',
      output: `dial tcp ${target}: connect: connection refused`,
    });
  });

  it('leaves no connection behind', async () => {
    let closed: Promise<unknown> | undefined;
    const server = createServer((socket) => {
      closed = new Promise((resolve) => socket.once('close', resolve));
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await probe(`127.0.0.1:${port}`);
    // Resolves only when no connection is open.
    await new Promise((resolve) => server.close(resolve));
    await closed;
  });

  it('is critical for an address without a port', async () => {
    expect(await probe('localhost')).toEqual({
      status: 'critical',
      output: 'dial tcp: address localhost: missing port in address',
    });
  });
});
