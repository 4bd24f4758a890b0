import { createSecureServer, createServer, type Http2SecureServer, type Http2Server } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type CheckSpec, EMPTY_SPEC } from '../spec.ts';
import { h2ping } from './h2ping.ts';
import { CERTIFICATE, KEY } from './test-certificate.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function listen(server: Server | Http2Server | Http2SecureServer): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function probe(target: string, fields: Partial<CheckSpec> = {}) {
  const spec = { ...EMPTY_SPEC, h2ping: target, interval: 1000, timeout: 5000, ...fields };
  return h2ping.probe(spec, { signal: new AbortController().signal, outputMaxSize: 4096 });
}

describe('h2ping check', () => {
  it('passes while pings are answered, over TLS unless told otherwise', async () => {
    const success = { status: 'passing', output: 'HTTP2 ping was successful' };
    const plain = await listen(createServer());
    expect(await probe(plain, { h2pingUseTls: false })).toEqual(success);
    expect((await probe(plain)).status).toBe('critical');
    const secure = await listen(createSecureServer({ key: KEY, cert: CERTIFICATE }));
    expect(await probe(secure, { tlsSkipVerify: true })).toEqual(success);
    const unverified = await probe(secure);
    expect(unverified.status).toBe('critical');
    expect(unverified.output).toMatch(/^Failed to dial to 127\.0\.0\.1:\d+: .*certificate/);
  });

  it('is critical when nobody listens', async () => {
    const target = await listen(createServer());
    await stops.pop()?.();
    expect(await probe(target, { h2pingUseTls: false })).toEqual({
      status: 'critical',
      output: `Failed to dial to ${target}: dial tcp ${target}: connect: connection refused`,
    });
    expect((await probe('nowhere')).output).toContain('missing port');
  });

  it('is critical when no pong comes in time', async () => {
    const target = await listen(createTcpServer((socket) => socket.resume()));
    const { status, output } = await probe(target, { h2pingUseTls: false, timeout: 50 });
    expect(status).toBe('critical');
    expect(output).toContain('context deadline exceeded');
  });
});
