import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { wakefulClock } from '../../lib/clock.ts';
import { silentLogger } from '../../lib/log.ts';
import { soon } from '../../lib/soon.test-support.ts';
import { testInstance } from '../dependencies/values.test-support.ts';
import { HealthService, listOf } from '../dependencies/values.ts';
import type { Follower } from '../sources/source.ts';
import { followHaproxy } from './output.ts';
import { OURS, plan, serverName, type WantedServer } from './plan.ts';
import type { PresentServer } from './runtime.ts';
import { DEFAULT_HAPROXY, parseHaproxyFlag } from './settings.ts';

describe('the plan', () => {
  const server = fc.record({
    name: fc.constantFrom('m_a', 'm_b', 'm_c', 'other'),
    address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
    port: fc.integer({ min: 1, max: 3 }),
    weight: fc.integer({ min: 0, max: 2 }),
    isDraining: fc.boolean(),
    isDown: fc.boolean(),
  });
  const byName = { selector: ({ name }: { name: string }) => name };

  it('makes the servers those that are wanted, and leaves what is not ours alone', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(server, byName),
        fc.uniqueArray(server, byName),
        (present: PresentServer[], all: WantedServer[]) => {
          const wanted = all.filter(({ name }) => name.startsWith(OURS));
          const servers = new Map(present.map((one) => [one.name, { ...one }]));
          // Twice: what drains in the first round goes in the second.
          for (let round = 0; round < 2; round++)
            for (const step of plan([...servers.values()], wanted, () => true)) {
              if (step.kind === 'add')
                servers.set(step.server.name, { ...step.server, isDraining: false, isDown: true });
              else if (step.kind === 'remove') servers.delete(step.name);
              else {
                const name = step.kind === 'address' ? step.server.name : step.name;
                const one = servers.get(name) as PresentServer;
                if (step.kind === 'enable') servers.set(name, { ...one, isDraining: false, isDown: false });
                if (step.kind === 'drain') servers.set(name, { ...one, isDraining: true });
                if (step.kind === 'weight') servers.set(name, { ...one, weight: step.weight });
                if (step.kind === 'address') servers.set(name, { ...one, ...step.server });
              }
            }
          const ours = [...servers.values()].filter(({ name }) => name.startsWith(OURS));
          expect(ours.map(({ name }) => name).sort()).toEqual(wanted.map(({ name }) => name).sort());
          for (const { name, address, port, weight } of wanted)
            expect(servers.get(name)).toMatchObject({
              address,
              port,
              weight,
              isDraining: false,
              isDown: false,
            });
          const other = present.find(({ name }) => name === 'other');
          expect(servers.get('other')).toEqual(other);
        },
      ),
    );
  });

  it('names servers so that HAProxy takes them', () => {
    expect(serverName('n 1', 'web[1]')).toBe('m_n_1_web_1_');
  });
});

describe('the flag', () => {
  it('takes paths and addresses', () => {
    expect(parseHaproxyFlag('/run/h.sock:web:v1.web|any')).toMatchObject({
      socket: '/run/h.sock',
      backend: 'web',
      service: 'v1.web|any',
    });
    expect(parseHaproxyFlag('127.0.0.1:9999:b:s')).toMatchObject({ socket: '127.0.0.1:9999', backend: 'b' });
    expect(() => parseHaproxyFlag('x')).toThrow('socket:backend:service');
  });
});

describe('a real HAProxy', () => {
  const endings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  it('follows a service without a reload and without a failed request', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-haproxy-'));
    endings.push(() => fs.rmSync(folder, { recursive: true }));
    const backends = await Promise.all([0, 1, 2].map((i) => backend(`b${i}`)));
    const front = path.join(folder, 'front.sock');
    const socket = path.join(folder, 'admin.sock');
    const config = path.join(folder, 'haproxy.cfg');
    fs.writeFileSync(config, configuration(socket, front));
    const child: ChildProcess = spawn('haproxy', ['-db', '-f', config], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    endings.push(() => {
      child.kill('SIGKILL');
      return ended;
    });
    await soon(() => expect(fs.existsSync(front)).toBe(true));

    let follower: Follower | undefined;
    const output = followHaproxy(
      { ...DEFAULT_HAPROXY, socket, backend: 'b', service: 'web', drain: 200 },
      {
        source: {
          follow: (_dependency, told) => {
            follower = told;
            return () => {};
          },
        },
        clock: wakefulClock,
        log: silentLogger,
      },
    );
    endings.push(() => output.stop());
    const become = (...places: number[]) =>
      follower?.value(
        listOf(
          HealthService,
          places.map((i) => testInstance(i, backends[i] ?? 0)),
        ),
      );

    become(0, 1);
    await soon(async () => expect(await seen(front, 8)).toEqual(['b0', 'b1']));
    become(1, 2);
    // Whoever asks meanwhile gets an answer.
    await soon(async () => expect(await seen(front, 8)).toEqual(['b1', 'b2']));
    become(2);
    await soon(async () => expect(await seen(front, 8)).toEqual(['b2']));
  });

  async function backend(name: string): Promise<number> {
    const server = http.createServer((_request, response) => response.end(name));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endings.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }
});

/** Who answers so many requests, each once; a request that fails rejects. */
async function seen(socketPath: string, requests: number): Promise<string[]> {
  const names = new Set<string>();
  for (let i = 0; i < requests; i++) {
    const { status, body } = await get(socketPath);
    expect(status).toBe(200);
    names.add(body);
  }
  return [...names].sort();
}

function get(socketPath: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path: '/', agent: false }, (response) => {
      let body = '';
      response.on('data', (data: Buffer) => {
        body += data.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.once('error', reject);
  });
}

function configuration(socket: string, front: string): string {
  return `global
  stats socket ${socket} mode 600 level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout queue 5s
frontend f
  bind unix@${front}
  default_backend b
backend b
  balance roundrobin
`;
}
