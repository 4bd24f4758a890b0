import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TRANSPORT_NAMES, type TransportName } from '../choice.ts';
import { clientCeiling } from '../open-files.ts';
import { OBSTACLE } from '../uring/fixtures.ts';

let folder = '';
let program = '';

beforeAll(async () => {
  // Below the packages that it imports.
  folder = mkdtempSync(join('node_modules', '.muster-files-'));
  program = join(folder, 'http-proxy.mjs');
  await build({
    entryPoints: ['test/programs/http-proxy.ts'],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

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

/** The proxy in a process that may open few files. */
async function proxyWith(files: number, upstream: number, transport: TransportName) {
  const child: ChildProcess = spawn(
    'sh',
    [
      '-c',
      `ulimit -n ${files}; exec "$0" "$@"`,
      process.execPath,
      program,
      '127.0.0.1:0',
      `127.0.0.1:${upstream}`,
      transport,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  closers.push(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  let errors = '';
  child.stderr?.on('data', (part) => {
    errors += part;
  });
  const [ready] = (await once(child.stdout!, 'data')) as [Buffer];
  return { port: Number(/port (\d+)/.exec(ready.toString())?.[1]), errors: () => errors };
}

/** A client that asked once; `outcome` is the status it got, or "closed". */
function ask(port: number) {
  const socket = connect({ host: '127.0.0.1', port });
  closers.push(() => socket.destroy());
  const client = { socket, outcome: '' };
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  socket.on('data', (part) => {
    client.outcome ||= part.toString('latin1').slice(9, 12);
  });
  socket.on('close', () => {
    client.outcome ||= 'closed';
  });
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
    // A quarter is kept for instances: more than the ring's sixteen accepts can have in their hands before they are refused.
    const proxy = await proxyWith(128, instance.port, name);
    const clients = Array.from({ length: 150 }, () => ask(proxy.port));
    const count = (outcome: string) => clients.filter((client) => client.outcome === outcome).length;
    await until(() => proxy.errors().includes('no file descriptors left'));
    // Where all are in use already, those who still come wait to be accepted until others have their answers.
    await until(() => {
      instance.answer();
      return count('') === 0;
    });
    expect(count('200')).toBeGreaterThan(5);
    expect(count('200') + count('503') + count('closed')).toBe(150);
    expect(proxy.errors().match(/no file descriptors left/g)).toHaveLength(1);
    expect(proxy.errors()).not.toContain('blamed');

    for (const { socket } of clients) socket.destroy();
    let late = ask(proxy.port);
    await until(() => {
      instance.answer();
      if (late.outcome === 'closed') late = ask(proxy.port);
      return late.outcome === '200';
    });
  });
});

describe('the ceiling for clients', () => {
  it('leaves descriptors for what is not a client', () => {
    expect(clientCeiling(64)).toBe(48);
    expect(clientCeiling(20_000)).toBe(19_744);
    expect(clientCeiling(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });
});
