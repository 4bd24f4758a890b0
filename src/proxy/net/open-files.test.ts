import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundled } from '../bundles.test-support.ts';
import { TRANSPORT_NAMES, type TransportName } from '../choice.ts';
import { clientCeiling, instanceCeiling } from '../open-files.ts';
import { Authority } from '../tls/fixtures.ts';
import { OBSTACLE } from '../uring/fixtures.ts';

const programOf = bundled({
  'http-proxy': 'test/programs/http-proxy.ts',
  'crowded-proxy': 'test/programs/crowded-proxy.ts',
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Answers when it is told to. */
async function backend() {
  const waiting: Socket[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => waiting.push(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    waiting,
    answer() {
      for (const socket of waiting.splice(0)) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    },
  };
}

type Program = Parameters<typeof programOf>[0];

/** A program in a process that may open few files. */
function withFew(files: number, name: Program, args: readonly string[], stdio: 'pipe' | 'ipc') {
  const limited = `ulimit -n ${files}; exec "$0" "$@"`;
  const child: ChildProcess = spawn('sh', ['-c', limited, process.execPath, programOf(name), ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(stdio === 'ipc' ? [stdio] : [])],
  });
  closers.push(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  let errors = '';
  child.stderr?.on('data', (part) => {
    errors += part;
  });
  return { child, errors: () => errors };
}

async function proxyWith(files: number, upstream: number, transport: TransportName) {
  const places = ['127.0.0.1:0', `127.0.0.1:${upstream}`];
  const { child, errors } = withFew(files, 'http-proxy', [...places, transport], 'pipe');
  const [ready] = (await once(child.stdout!, 'data')) as [Buffer];
  return { port: Number(/port (\d+)/.exec(ready.toString())?.[1]), errors };
}

type Place = { host: string; port: number };

async function crowdedProxy(upstream: number, transport: TransportName) {
  const authority = new Authority();
  closers.push(() => authority.remove());
  const { cert, key } = authority.issue({ names: ['127.0.0.1'] });
  const pem = join(dirname(programOf('crowded-proxy')), `${transport}.pem`);
  writeFileSync(pem, key + cert);
  const { child, errors } = withFew(128, 'crowded-proxy', [transport, `${upstream}`, pem], 'ipc');
  const [{ udp, ...places }] = (await once(child, 'message')) as [Record<string, Place>];
  const tell = async (order: 'hoard' | 'release') => {
    child.send(order);
    await once(child, 'message');
  };
  return { places, udp: udp!, tell, errors };
}

/** A client that asked once; `outcome` is the status it got, or "closed". */
function ask(place: Place, isSecure = false) {
  const socket = isSecure ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place);
  closers.push(() => socket.destroy());
  const client = { socket, outcome: '', text: '', again: () => {} };
  client.again = () => {
    client.outcome = client.text = '';
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  };
  socket.on('error', () => {});
  socket.on('data', (part) => {
    client.text += part.toString('latin1');
    client.outcome ||= client.text.slice(9, 12);
  });
  socket.on('close', () => {
    client.outcome ||= 'closed';
  });
  client.again();
  return client;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe.each(TRANSPORT_NAMES)('a proxy that runs out of file descriptors, on %s', (name) => {
  beforeEach((context) => {
    if (name === 'uring' && OBSTACLE !== undefined) context.skip(OBSTACLE);
  });

  it('refuses, says so once, blames no instance, and goes on when there are some again', async () => {
    const instance = await backend();
    const proxy = await proxyWith(128, instance.port, name);
    const place = { host: '127.0.0.1', port: proxy.port };
    const clients = Array.from({ length: 150 }, () => ask(place));
    const count = (outcome: string) => clients.filter((client) => client.outcome === outcome).length;
    await until(() => proxy.errors().includes('no file descriptors left'));
    await until(() => {
      instance.answer();
      return count('') === 0;
    });
    expect(count('200')).toBeGreaterThan(5);
    expect(count('200') + count('503') + count('closed')).toBe(150);
    expect(proxy.errors().match(/no file descriptors left/g)).toHaveLength(1);
    expect(proxy.errors()).not.toContain('blamed');

    for (const { socket } of clients) socket.destroy();
    let late = ask(place);
    await until(() => {
      instance.answer();
      if (['closed', '503'].includes(late.outcome)) late = ask(place);
      return late.outcome === '200';
    });
  });

  it('refuses at once on every listener though it has none itself, serves who is there, and goes on', async () => {
    const instance = await backend();
    const { places, udp, tell, errors } = await crowdedProxy(instance.port, name);
    const echo = createSocket('udp4').bind(instance.port, '127.0.0.1');
    closers.push(() => echo.close());
    echo.on('message', (asked, from) => echo.send(asked, from.port, from.address));
    const sender = createSocket('udp4');
    closers.push(() => sender.close());
    const echoes: string[] = [];
    sender.on('message', (answer) => echoes.push(String(answer)));
    const answered = async (client: ReturnType<typeof ask>): Promise<string> => {
      while (client.outcome === '') {
        await new Promise((resolve) => setTimeout(resolve, 5));
        instance.answer();
      }
      return client.outcome;
    };
    const http = places.http!;
    // One after the other: there is one connection to the instance, which is kept.
    const first = ask(http);
    expect(await answered(first)).toBe('200');
    const other = ask(http);
    expect(await answered(other)).toBe('200');
    const relayed = ask(places.tcp!);
    expect(await answered(relayed)).toBe('200');

    await tell('hoard');
    sender.send('lost', udp.port, udp.host);
    for (const [id, place] of Object.entries(places)) {
      const newcomers = Array.from({ length: 20 }, () => ask(place));
      await until(() => newcomers.every(({ outcome }) => outcome !== ''));
      expect(new Set(newcomers.map(({ outcome }) => outcome)), id).toEqual(new Set(['closed']));
    }
    first.again();
    await until(() => instance.waiting.length > 0);
    other.again();
    await until(() => other.text.includes('left for a connection'));
    expect(other.outcome).toBe('503');
    expect(await answered(first)).toBe('200');
    relayed.again();
    expect(await answered(relayed)).toBe('200');
    expect(errors().match(/no file descriptors left/g)).toHaveLength(1);
    expect(errors()).not.toContain('blamed');

    await tell('release');
    for (const [id, place] of Object.entries(places))
      expect(await answered(ask(place, /https|TLS/.test(id))), id).toBe('200');
    other.again();
    expect(await answered(other)).toBe('200');
    await until(() => {
      sender.send('found', udp.port, udp.host);
      return echoes.length > 0;
    });
    expect(new Set(echoes)).toEqual(new Set(['found']));
  });
});

describe('the ceilings', () => {
  it('leave descriptors for what is not a client, and some of them for what is no instance either', () => {
    expect([64, 128, 20_000].map(instanceCeiling)).toEqual([60, 120, 19_936]);
    expect(clientCeiling(64)).toBe(48);
    expect(clientCeiling(20_000)).toBe(19_744);
    expect(clientCeiling(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });
});
