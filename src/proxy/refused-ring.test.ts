/** What carries the traffic where io_uring is forbidden, and when it is taken away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import { pathToFileURL } from 'node:url';
import koffi from 'koffi';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../lib/log.ts';
import { bundled } from './bundles.test-support.ts';
import { ProxyFleet } from './fleet.ts';
import { OBSTACLE } from './uring/fixtures.ts';

const programOf = bundled({ worker: 'src/proxy/worker.ts', without: 'test/programs/without-uring.ts' });

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function instance(): Promise<number> {
  const server = http.createServer((_, response) => response.end('here')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

/** Descriptors of this process's rings. */
function rings(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[io_uring]';
      } catch {
        // It was the descriptor that listed the folder.
        return false;
      }
    });
}

describe.skipIf(OBSTACLE !== undefined)('a balancer without io_uring', () => {
  it('chooses the sockets of Node, and takes them when its workers are refused', async () => {
    const program = spawn(
      process.execPath,
      [programOf('without'), programOf('worker'), String(await instance())],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    closers.push(() => program.kill());
    let said = '';
    program.stdout.on('data', (part) => {
      said += part;
    });
    await once(program, 'close');
    expect(JSON.parse(said)).toEqual({
      choice: { name: 'net', why: expect.stringMatching(/refuses it.*io_uring_setup: EPERM/) },
      carriage: { transport: 'net', workers: 1, why: expect.stringContaining('io_uring_setup: EPERM') },
      status: 200,
    });
  });

  it('goes on with the sockets of Node when its ring is taken away, and says so', async () => {
    const warnings: string[] = [];
    const before = new Set(rings());
    const fleet = await ProxyFleet.start({
      listeners: [{ id: 'web', protocol: 'http', host: '127.0.0.1', port: 0 }],
      log: createLogger({ level: 'warn', sink: ({ message }) => warnings.push(message) }),
      transport: { name: 'uring', why: 'a test wants it' },
      workers: 1,
      snapshot: () => ({ version: 1, changed: [], patched: [], removed: [] }),
      worker: pathToFileURL(programOf('worker')),
    });
    closers.push(() => fleet.stop());
    const ask = async () => {
      const request = http.get({ ...fleet.addresses.get('web')!, agent: false });
      const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
      return answer.resume().statusCode;
    };
    expect(await ask()).toBe(404);
    const dup2 = koffi.load(null).func('int dup2(int from, int to)');
    const nothing = openSync('/dev/null', 'r');
    for (const fd of rings()) if (!before.has(fd)) dup2(nothing, fd);
    while (fleet.carriage.transport !== 'net' || fleet.carriage.workers === 0)
      await new Promise((wake) => setTimeout(wake, 10));
    expect(fleet.carriage.why).toContain('io_uring_enter');
    let status: number | undefined;
    while (status === undefined) status = await ask().catch(() => undefined);
    expect(status).toBe(404);
    expect(warnings).toContain('going on with the sockets of Node: io_uring was refused');
  });
});
