import { createSocket, type Socket, type SocketType } from 'node:dgram';
import { once } from 'node:events';
import { expect, it, onTestFinished, vi } from 'vitest';
import { TargetStates } from '../../balance/states.ts';
import { Pools } from '../../route/pools.ts';
import { ProxyServer } from './server.ts';

const lacks = vi.hoisted(() => ({ ipv6: false }));

/** A machine without IPv6 refuses to make such sockets, which Node tells when they are bound. */
vi.mock('node:dgram', async (original) => {
  const real = await original<typeof import('node:dgram')>();
  return {
    ...real,
    createSocket(type: SocketType) {
      const socket = real.createSocket(type);
      if (lacks.ipv6 && type === 'udp6')
        socket.bind = () => {
          const error = Object.assign(new Error('bind EAFNOSUPPORT'), { code: 'EAFNOSUPPORT' });
          setImmediate(() => socket.emit('error', error));
          return socket;
        };
      return socket;
    },
  };
});

/** Of a name that has an address of IPv6 alone; none of this machine's has. */
vi.mock('../../lib/preferred-address.ts', async (original) => {
  const real = await original<typeof import('../../lib/preferred-address.ts')>();
  return {
    preferredAddress: async (host: string) => (host === 'six.test' ? '::1' : real.preferredAddress(host)),
  };
});

/** Where it listens who was told `host`. */
async function listening(host: string): Promise<string> {
  const server = new ProxyServer();
  onTestFinished(() => server.stop());
  return (await server.open({ id: 'u', protocol: 'udp', host, port: 0, pool: 'p', slot: 1 })).host;
}

it('listens on all addresses where no host is named, without IPv6 on those of IPv4', async () => {
  expect(await listening('')).toBe('::');
  lacks.ipv6 = true;
  onTestFinished(() => {
    lacks.ipv6 = false;
  });
  expect(await listening('')).toBe('0.0.0.0');
});

it('listens on the IPv4 address of a name', async () => {
  expect(await listening('localhost')).toBe('127.0.0.1');
});

it('says that the port is taken, and takes no other family for it', async () => {
  const taken: Socket = createSocket('udp6');
  onTestFinished(() => void taken.close());
  taken.bind(0);
  await once(taken, 'listening');
  const server = new ProxyServer();
  onTestFinished(() => server.stop());
  const { port } = taken.address();
  await expect(
    server.open({ id: 'u', protocol: 'udp', host: '', port, pool: 'p', slot: 1 }),
  ).rejects.toMatchObject({ code: 'listen.in_use' });
});

it('leads a client away from an instance that is out, unless that one drains', async () => {
  const pools = new Pools({ states: new TargetStates(), random: Math.random, turns: new Int32Array(16) });
  const ports = new Map<string, number>();
  for (const name of ['a', 'b']) {
    const instance = createSocket('udp4');
    onTestFinished(() => void instance.close());
    instance.on('message', (_, { port, address }) => instance.send(name, port, address));
    instance.bind(0, '127.0.0.1');
    await once(instance, 'listening');
    ports.set(name, instance.address().port);
  }
  const set = (among: readonly string[], draining: readonly string[] = []) => {
    const targets = among.map((id, i) => {
      const place = { host: '127.0.0.1', port: ports.get(id)!, slot: 2 + i };
      return { id, ...place, weight: 1, priority: 0, maxConnections: 0, serverName: '' };
    });
    const pool = { id: 'p', strategy: 'rr', datagrams: true, names: undefined, slot: 1 } as const;
    pools.apply({ version: 1, removed: [], changed: [{ ...pool, targets, draining }] });
  };
  set(['a']);
  const server = new ProxyServer({ pools });
  onTestFinished(() => server.stop());
  const spec = { id: 'u', protocol: 'udp', host: '127.0.0.1', port: 0, pool: 'p', slot: 1 } as const;
  const { port } = await server.open(spec);
  const client = createSocket('udp4');
  onTestFinished(() => void client.close());
  const ask = async () => {
    const answer = once(client, 'message');
    client.send('who', port, '127.0.0.1');
    return String((await answer)[0]);
  };
  expect(await ask()).toBe('a');
  set(['b'], ['a']);
  expect(await ask()).toBe('a');
  set([]);
  expect(await ask()).toBe('a');
  set(['b']);
  expect(await ask()).toBe('b');
  set(['a', 'b']);
  expect(await ask()).toBe('b');
});

it.each([0, 1])(
  'reaches an instance whose name has IPv6 alone (%i requests a session)',
  async (maxRequests) => {
    const instance = createSocket('udp6');
    onTestFinished(() => void instance.close());
    const heard = once(instance, 'message');
    instance.on('message', (datagram, { port, address }) => instance.send(`back ${datagram}`, port, address));
    instance.bind(0, '::1');
    await once(instance, 'listening');
    const pools = new Pools({ states: new TargetStates(), random: Math.random, turns: new Int32Array(16) });
    const target = { id: 't', host: 'six.test', port: instance.address().port, weight: 1, slot: 2 };
    const targets = [{ ...target, priority: 0, maxConnections: 0, serverName: '' }];
    const pool = { id: 'p', strategy: 'rr', datagrams: true, names: undefined, slot: 1, targets } as const;
    pools.apply({ version: 1, removed: [], changed: [pool] });
    const server = new ProxyServer({ pools });
    onTestFinished(() => server.stop());
    const spec = { id: 'u', protocol: 'udp', host: '127.0.0.1', port: 0, pool: 'p', slot: 1 } as const;
    const { port } = await server.open({ ...spec, limits: { maxRequests } });
    const client = createSocket('udp4');
    onTestFinished(() => void client.close());
    const answer = once(client, 'message');
    client.send('hello', port, '127.0.0.1');
    expect(String((await heard)[0])).toBe('hello');
    if (maxRequests === 0) expect(String((await answer)[0])).toBe('back hello');
  },
);
