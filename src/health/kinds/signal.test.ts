import { getEventListeners } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProbeKind } from '../kind.ts';
import { expectProbe } from '../probes/expect.ts';
import { verdictProbe } from '../probes/verdict.ts';
import { type CheckSpec, EMPTY_SPEC } from '../spec.ts';
import { grpc } from './grpc.ts';
import { h2ping } from './h2ping.ts';
import { http } from './http.ts';
import { script } from './script.ts';
import { tcp } from './tcp.ts';
import { udp } from './udp.ts';

/** Takes connections and says nothing. */
const sockets = new Set<Socket>();
const mute = createServer((socket) => {
  sockets.add(socket.on('error', () => {}));
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  port = (mute.address() as AddressInfo).port;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  mute.close();
});

/** Each kind, asked of somebody who says nothing. */
const kinds: [name: string, kind: () => ProbeKind, spec: () => Partial<CheckSpec>][] = [
  ['http', () => http, () => ({ http: `http://127.0.0.1:${port}/` })],
  ['https', () => http, () => ({ http: `https://127.0.0.1:${port}/` })],
  // Nobody answers a connection to an address that is for documentation.
  ['tcp', () => tcp, () => ({ tcp: '192.0.2.1:9' })],
  ['udp', () => udp, () => ({ udp: `127.0.0.1:${port}` })],
  ['grpc', () => grpc, () => ({ grpc: `127.0.0.1:${port}` })],
  ['h2ping', () => h2ping, () => ({ h2ping: `127.0.0.1:${port}` })],
  ['script', () => script, () => ({ args: ['sleep', '1000'] })],
  [
    'a verdict',
    () => verdictProbe({ command: ['sleep', '1000'], positive: 'up', negative: 'down' }),
    () => ({}),
  ],
  [
    'an answer',
    () =>
      expectProbe({
        host: '127.0.0.1',
        port,
        protocol: 'tcp',
        send: Buffer.alloc(0),
        length: 1,
        matches: () => true,
      }),
    () => ({}),
  ],
];

describe.each(kinds)('the signal of a check: %s', (_, kind, spec) => {
  const begin = (timeout: number) => {
    const end = new AbortController();
    const context = { signal: end.signal, outputMaxSize: 100 };
    const outcome = kind().probe({ ...EMPTY_SPEC, interval: 1_000, timeout, ...spec() }, context);
    return { end, outcome, listeners: () => getEventListeners(end.signal, 'abort').length };
  };

  it('has no listener of a probe that is over', async () => {
    const { outcome, listeners } = begin(20);
    await outcome;
    expect(listeners()).toBe(0);
  });

  it('ends a probe that is under way', async () => {
    const { end, outcome, listeners } = begin(600_000);
    await new Promise((resolve) => setImmediate(resolve));
    end.abort();
    await outcome;
    expect(listeners()).toBe(0);
  });
});
