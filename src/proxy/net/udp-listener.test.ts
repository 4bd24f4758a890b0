import { createSocket, type Socket, type SocketType } from 'node:dgram';
import { once } from 'node:events';
import { expect, it, onTestFinished, vi } from 'vitest';
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
