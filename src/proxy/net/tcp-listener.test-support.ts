import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect } from 'vitest';
import { TargetStates } from '../../balance/states.ts';
import type { NameRules, PoolTargetSpec } from '../../route/pool-spec.ts';
import { Pools } from '../../route/pools.ts';
import type { TransportName } from '../choice.ts';
import { CounterReader, createCounterBlock } from '../counters.ts';
import type { Outcomes } from '../http1/engine.ts';
import type { TcpListenerSpec } from '../listener-spec.ts';
import type { Takers } from '../tcp/frontend.ts';
import type { Keyring } from '../tls/keyring.ts';
import { OBSTACLE, transportFor } from '../uring/fixtures.ts';
import { ProxyServer } from './server.ts';

/** For tests: a proxy that relays TCP to servers of the test, all of them gone after it. */
export const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A server that does with each connection what it is told to; answers with its port. */
export async function backend(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What the listeners of the present test are carried by. */
let carrier: TransportName = 'net';

/** To be called where the tests of a transport are described. */
export function carriedBy(name: TransportName): void {
  beforeEach((context) => {
    if (name === 'uring' && OBSTACLE !== undefined) context.skip(OBSTACLE);
    carrier = name;
  });
}

interface Start {
  rates?: Takers['rates'];
  targets: (Partial<PoolTargetSpec> & { port: number })[];
  names?: NameRules;
  spec?: Partial<TcpListenerSpec>;
  keyring?: Keyring;
  outcomes?: Partial<Outcomes>;
}

export async function start({ targets, names, rates, spec = {}, outcomes = {}, keyring }: Start) {
  const pools = new Pools({ states: new TargetStates(), random: Math.random, turns: new Int32Array(16) });
  const set = (list: Start['targets']) =>
    pools.apply({
      version: 1,
      removed: [],
      changed: [
        {
          id: 'p',
          strategy: 'rr',
          datagrams: false,
          names,
          rates,
          slot: 1,
          targets: list.map((target, i) => ({
            id: `t${i}`,
            host: '127.0.0.1',
            weight: 1,
            slot: 2 + i,
            priority: 0,
            maxConnections: 0,
            serverName: '',
            ...target,
          })),
        },
      ],
    });
  set(targets);
  const block = createCounterBlock();
  const counters = new CounterReader();
  counters.add(block);
  const { transport, astray } = await transportFor(carrier);
  const server = new ProxyServer(
    {
      pools,
      counters: block,
      ...(keyring === undefined ? {} : { keyring }),
      outcomes: { connectFailed() {}, cut() {}, answered() {}, erred() {}, ...outcomes },
    },
    transport,
  );
  undo.push(async () => {
    await server.stop();
    expect(astray()).toEqual({ slots: 0, completions: 0 });
  });
  const address = await server.open({
    id: 'l',
    protocol: 'tcp',
    host: '127.0.0.1',
    port: 0,
    pool: 'p',
    slot: 1,
    ...spec,
  });
  return { server, address, counters, set };
}

export function open({ host, port }: { host: string; port: number }, localAddress?: string): Socket {
  const socket = connect({
    host,
    port,
    allowHalfOpen: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  socket.on('error', () => {});
  undo.push(() => socket.destroy());
  return socket;
}

/** Everything that comes until the end. */
export async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await Promise.race([once(socket, 'end'), once(socket, 'close')]);
  return Buffer.concat(chunks);
}

/** The end, by whatever way. */
export const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

export const echo = (socket: Socket) => socket.pipe(socket);
export const saying = (text: string) => (socket: Socket) => {
  socket.on('data', () => {});
  socket.end(text);
};
