import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { BACKEND_DEFAULTS, type Backend, BackendPattern, backendOf } from './backend.ts';
import { followConsul } from './consul.ts';
import { followDocker } from './docker.ts';
import { followExec } from './exec.ts';
import { followJson, JSON_PATHS } from './json.ts';
import { followPlaintext } from './plaintext.ts';
import { common, follow } from './poll.test-support.ts';
import { type PollOptions, poll } from './poll.ts';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

const backend = (port: number, more: Partial<Backend> = {}): Backend => ({
  host: '127.0.0.1',
  port,
  ...BACKEND_DEFAULTS,
  ...more,
});

async function serve(
  answer: (request: IncomingMessage) => { body: string; status?: number; index?: number } | undefined,
) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { body, status = 200, index } = answer(request) ?? { body: 'no', status: 404 };
    response.writeHead(status, index === undefined ? {} : { 'X-Consul-Index': `${index}` }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe('asking again and again', () => {
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  function start(answers: (readonly Backend[] | Error)[], options: Partial<PollOptions> = {}) {
    const clock = new ManualClock();
    const asked: number[] = [];
    const told: string[][] = [];
    const list = async () => {
      asked.push(clock.now());
      const answer = answers.shift() ?? new Error('no more');
      if (answer instanceof Error) throw answer;
      return { backends: answer };
    };
    const discovery = poll(
      { kind: 'test', timeout: 1_000, list },
      { ...common, interval: 5_000, clock, ...options },
      (changes) =>
        told.push(changes.map(({ before, after }) => `${before?.port ?? ''}>${after?.port ?? ''}`)),
    );
    undo.push(() => discovery.stop());
    return { clock, asked, told, discovery };
  }

  it('tells differences only', async () => {
    const { clock, told } = start([
      [backend(1), backend(2)],
      [backend(1), backend(2)],
      [backend(2, { weight: 3 }), backend(3)],
    ]);
    for (let i = 0; i < 3; i++) {
      await settle();
      clock.advance(5_000);
    }
    expect(told).toEqual([
      ['>1', '>2'],
      ['1>', '2>2', '>3'],
    ]);
  });

  it('keeps the last list, or empties it, and asks sooner after failures', async () => {
    for (const failPolicy of ['keeplast', 'setempty'] as const) {
      const { clock, asked, told } = start([[backend(1)], new Error('a'), new Error('b'), [backend(1)]], {
        failPolicy,
      });
      for (let i = 0; i < 120; i++) {
        await settle();
        clock.advance(50);
      }
      expect(asked.slice(0, 4)).toEqual([0, 5_000, 5_125, 5_400]);
      expect(told).toEqual(failPolicy === 'keeplast' ? [['>1']] : [['>1'], ['1>'], ['>1']]);
    }
  });

  it('asks once with an interval of 0, but until there is an answer', async () => {
    const { clock, asked } = start([new Error('a'), [backend(1)]], { interval: 0 });
    for (let i = 0; i < 50; i++) {
      await settle();
      clock.advance(1_000);
    }
    expect(asked).toHaveLength(2);
  });

  it('gives up on what does not answer, and is quiet once it was stopped', async () => {
    const clock = new ManualClock();
    const reasons: string[] = [];
    const list = (signal: AbortSignal) =>
      new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => {
          reasons.push((signal.reason as Error).message);
          reject(signal.reason);
        }),
      );
    const discovery = poll(
      { kind: 'test', timeout: 1_000, list },
      { ...common, timeout: 0, clock },
      () => {},
    );
    clock.advance(1_000);
    await settle();
    clock.advance(500);
    discovery.stop();
    await settle();
    clock.advance(60_000);
    expect(reasons).toEqual(['no answer within 1000 ms', 'stopped']);
  });
});

describe('backends as sources tell them', () => {
  it('are read by an expression with named groups, whatever groups are around them', () => {
    const pattern = new BackendPattern('^(a|b)[(\\]]? (?:x)(?P<port>\\d+) \\((?P<host>[^ ()]+)\\)$');
    expect(pattern.read('b( x80 (web.test)')).toEqual({ host: 'web.test', port: 80, ...BACKEND_DEFAULTS });
    expect(pattern.read('b( x80 web.test')).toBeUndefined();
  });

  it.each([
    [{ host: '10.0.0.1', port: '80', weight: '4' }, 4],
    [{ host: '10.0.0.1', port: 80, weight: null }, 1],
    [{ host: '10.0.0.1', port: 80, weight: 0 }, 0],
  ])('may have numbers as text: %j', (told, weight) => {
    expect(backendOf(told)).toMatchObject({ port: 80, weight });
  });

  it.each([
    {},
    { host: '10.0.0.1' },
    { host: '', port: 80 },
    { host: 'a', port: 0 },
    { host: 'a', port: 70_000 },
  ])('need a host and a port: %j', (told) => {
    expect(backendOf(told)).toBeUndefined();
  });
});

describe('kinds over HTTP', () => {
  it('plaintext: one a line, others passed over, changes picked up', async () => {
    let body = '127.0.0.1:1\nnonsense\n\n127.0.0.1:2 weight=2\n';
    const { address } = await serve(() => ({ body }));
    const { next } = follow((listener) =>
      followPlaintext({ ...common, endpoint: `http://${address}/` }, listener),
    );
    expect(await next()).toEqual([1, 2]);
    body = '127.0.0.1:2 weight=2\n';
    expect(await next()).toEqual([2]);
  });

  it('json: values at paths; what is no list is a failure', async () => {
    let body = JSON.stringify([{ at: [{ ip: '127.0.0.1' }], port: '7' }]);
    const { address } = await serve(() => ({ body }));
    const { next } = follow((listener) =>
      followJson(
        {
          ...common,
          failPolicy: 'setempty',
          endpoint: `http://${address}/`,
          paths: { ...JSON_PATHS, host: 'at[0].ip' },
        },
        listener,
      ),
    );
    expect(await next()).toEqual([7]);
    body = '{}';
    expect(await next()).toEqual([]);
    body = '[{"at":[{"ip":"127.0.0.1"}],"port":8}]';
    expect(await next()).toEqual([8]);
  });

  it('json: a name with dots in a path stands in quotes', async () => {
    const labels = { 'web.host': '127.0.0.1', 'web.port': 9 };
    const { address } = await serve(() => ({ body: JSON.stringify([{ labels }]) }));
    const paths = { ...JSON_PATHS, host: "labels.'web.host'", port: 'labels."web.port"' };
    const { next } = follow((listener) =>
      followJson({ ...common, endpoint: `http://${address}/`, paths }, listener),
    );
    expect(await next()).toEqual([9]);
  });

  const entry = (port: number) => ({
    Node: { Node: 'n', Address: '127.0.0.1' },
    Service: { ID: 'a', Service: 'web', Address: '', Port: port, Tags: ['sni=a.test'] },
    Checks: [],
  });
  const consul = (address: string, interval: number) => ({
    ...common,
    interval,
    address,
    serviceName: 'web',
    tag: 'blue',
    passingOnly: true,
    datacenter: 'dc1',
    token: '',
    basicAuth: '',
    tls: undefined,
  });

  it('consul: is told of a change at once by an agent that can wait', async () => {
    let index = 5;
    let port = 1;
    const { address, asked } = await serve(() => ({ body: JSON.stringify([entry(port)]), index }));
    const { next, discovery } = follow((listener) => followConsul(consul(address, 3_600_000), listener));
    expect(await next()).toEqual([1]);
    expect([...discovery.instances()][0]).toMatchObject({ serverName: 'a.test', host: '127.0.0.1' });
    port = 2;
    index = 6;
    expect(await next()).toEqual([2]);
    expect(asked[0]).toBe('/v1/health/service/web?tag=blue&passing=1&dc=dc1');
    expect(asked[1]).toContain('&index=5&wait=5m0s');
  });

  it('docker: published ports of containers with the label', async () => {
    const containers = [
      { Id: 'c1', Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 3, Type: 'tcp' }] },
      { Id: 'c2', Ports: [{ IP: '127.0.0.9', PrivatePort: 80, PublicPort: 4, Type: 'tcp' }] },
      { Id: 'c3', Ports: [{ PrivatePort: 80, Type: 'tcp' }] },
      { Id: 'c4', Ports: null },
    ];
    const { address, asked } = await serve(({ url = '' }) => {
      if (url.startsWith('/containers/json')) return { body: JSON.stringify(containers) };
      const id = /^\/containers\/(c\d)\/json/.exec(url)?.[1];
      if (id === undefined) return undefined;
      return {
        body: JSON.stringify({ Id: id, Name: `/${id}`, Config: { Env: id === 'c2' ? ['H=10.0.0.9'] : [] } }),
      };
    });
    const { next, discovery } = follow((listener) =>
      followDocker(
        {
          ...common,
          endpoint: `http://${address}`,
          label: 'a=b',
          privatePort: 80,
          hostEnv: 'H',
          tls: undefined,
        },
        listener,
      ),
    );
    expect(await next()).toEqual([3, 4]);
    expect([...discovery.instances()].map(({ host }) => host)).toEqual(['127.0.0.1', '10.0.0.9']);
    expect(asked.some((url) => url.includes(encodeURIComponent('{"label":["a=b"]}')))).toBe(true);
  });
});

describe('exec', () => {
  it('reads what the program writes, and does not wait for what it leaves running', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-exec-'));
    undo.push(() => rmSync(folder, { recursive: true }));
    const list = join(folder, 'list');
    writeFileSync(list, '127.0.0.1:1');
    const command = ['/bin/sh', '-c', `sleep 30 & cat ${list}`];
    const { next } = follow((listener) => followExec({ ...common, command }, listener));
    expect(await next()).toEqual([1]);
    writeFileSync(`${list}.new`, '127.0.0.1:1\n127.0.0.1:2 weight=3');
    renameSync(`${list}.new`, list);
    expect(await next()).toEqual([1, 2]);
  });
});
