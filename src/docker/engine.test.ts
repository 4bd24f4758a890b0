import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { becomes } from '../lib/soon.test-support.ts';
import { DockerEngine } from './engine.ts';
import { type EngineNews, followEvents, readEvents } from './events.ts';

const servers: Server[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function serve(answer: RequestListener, version = '1.41', port = 0) {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    if (request.url === '/_ping')
      response.writeHead(200, version === '' ? {} : { 'Api-Version': version }).end('OK');
    else answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo;
  return {
    calls,
    server,
    port: own,
    engine: DockerEngine.fromEnv({ DOCKER_HOST: `tcp://127.0.0.1:${own}` }),
  };
}

describe('a call', () => {
  it.each([
    ['1.41', '/v1.41'],
    ['1.24', '/v1.24'],
    ['9.99', '/v1.47'],
    ['', ''],
  ])('uses a version that both know: theirs is %j', async (theirs, prefix) => {
    const { calls, engine } = await serve((_request, response) => response.end('[]'), theirs);
    await Promise.all([engine.listContainers(), engine.listContainers({ all: true })]);
    await engine.listContainers({ filters: { label: ['a=b'] } });
    expect(calls.filter((call) => call === 'GET /_ping')).toHaveLength(1);
    expect(calls.filter((call) => call !== 'GET /_ping')).toEqual([
      `GET ${prefix}/containers/json`,
      `GET ${prefix}/containers/json?all=1`,
      `GET ${prefix}/containers/json?filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D`,
    ]);
  });

  it('agrees again when another engine took the place', async () => {
    let isNew = false;
    const { calls, engine } = await serve((_request, response) => {
      if (isNew) return response.end('[]');
      isNew = true;
      response
        .writeHead(400)
        .end('{"message":"client version 1.41 is too old. Minimum supported API version is 1.44"}');
    });
    expect(await engine.listContainers()).toEqual([]);
    expect(calls.filter((call) => call === 'GET /_ping')).toHaveLength(2);
  });

  it('tells a container that is gone from a refusal', async () => {
    const { engine } = await serve((request, response) => {
      const status = request.url?.includes('gone') ? 404 : 500;
      response.writeHead(status).end('{"message":"no luck"}');
    });
    expect(await engine.inspectContainer('gone')).toBeUndefined();
    await expect(engine.inspectContainer('other')).rejects.toMatchObject({
      code: 'docker.refused',
      status: 500,
      message: 'no luck',
    });
  });

  it('says where no engine answers', async () => {
    const engine = DockerEngine.fromEnv({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    await expect(engine.listContainers()).rejects.toMatchObject({
      code: 'docker.unreachable',
      message: expect.stringContaining('no container engine answers at unix:///nowhere/docker.sock'),
    });
  });

  it('rejects with the reason of its signal, also for one of two that share a first call', async () => {
    let open = () => {};
    const answered = new Promise<void>((resolve) => {
      open = resolve;
    });
    const server = createServer((request, response) => {
      if (request.url === '/_ping') answered.then(() => response.end('OK'));
      else response.end('[]');
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const engine = DockerEngine.fromEnv({ DOCKER_HOST: `tcp://127.0.0.1:${port}` });
    const end = new AbortController();
    const given = engine.listContainers({ signal: end.signal });
    const other = engine.listContainers();
    end.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    open();
    expect(await other).toEqual([]);
  });

  it('bounds what an engine may say', async () => {
    const { engine } = await serve((_request, response) => {
      response.write('{"Id":"');
      const chunk = Buffer.alloc(1024 * 1024, 'x');
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    await expect(engine.inspectContainer('big')).rejects.toThrow('more than 8388608 bytes');
  });

  it('passes over what is no container, and rejects what is no list', async () => {
    let answer = '[null, {}, {"Id":"a"}, 5]';
    const { engine } = await serve((_request, response) => response.end(answer));
    expect(await engine.listContainers()).toEqual([{ Id: 'a' }]);
    answer = '{}';
    await expect(engine.listContainers()).rejects.toThrow('did not answer with a list');
    await expect(engine.inspectContainer('a')).rejects.toThrow('told nothing about the container a');
    answer = '<html>';
    await expect(engine.listContainers()).rejects.toThrow('did not answer with JSON');
  });
});

describe('TLS', () => {
  it('shows its certificate and checks that of the engine', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-docker-tls-'));
    folders.push(folder);
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    );
    execFileSync('cp', ['cert.pem', 'ca.pem'], { cwd: folder });
    const own = { key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'cert.pem')) };
    const server = createTlsServer(
      { ...own, ca: own.cert, requestCert: true, rejectUnauthorized: true },
      (request, response) => response.end(request.url === '/_ping' ? 'OK' : '[{"Id":"secret"}]'),
    );
    servers.push(server as unknown as Server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { DOCKER_HOST: host, DOCKER_CERT_PATH: folder, DOCKER_TLS_VERIFY: '1' };
    expect(await DockerEngine.fromEnv(env).listContainers()).toEqual([{ Id: 'secret' }]);
    await expect(DockerEngine.fromEnv({ DOCKER_HOST: host }).listContainers()).rejects.toMatchObject({
      code: 'docker.unreachable',
    });
    // Another authority: not this engine.
    openssl('req', '-x509', ...key, '-keyout', 'other.pem', '-out', 'ca.pem', '-subj', '/CN=other');
    await expect(DockerEngine.fromEnv(env).listContainers()).rejects.toThrow(/certificate/);
    expect(await DockerEngine.fromEnv({ ...env, DOCKER_TLS_VERIFY: '' }).listContainers()).toEqual([
      { Id: 'secret' },
    ]);
  });
});

describe('events', () => {
  it('are the same however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ Type: fc.string(), Action: fc.string() })),
        fc.array(fc.integer({ min: 1, max: 30 })),
        async (events, cuts) => {
          const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join('not json\n'));
          const chunks = async function* () {
            let at = 0;
            for (const cut of cuts) {
              yield bytes.subarray(at, at + cut);
              at += cut;
            }
            yield bytes.subarray(at);
          };
          const read: unknown[] = [];
          for await (const event of readEvents(chunks())) read.push(event);
          expect(read).toEqual(events);
        },
      ),
    );
  });

  it('are taken up where they broke off, with word that something may be missing', async () => {
    let streams = 0;
    const { calls, engine } = await serve((_request, response) => {
      streams++;
      response.writeHead(200);
      const event = { Type: 'container', Action: 'start', timeNano: 17000000 };
      const line = JSON.stringify(event).replace('17000000', `17000000${streams}0123456789`);
      response.write(`${line}\n`, () => {
        if (streams === 1) response.socket?.end();
      });
    });
    const end = new AbortController();
    const news: EngineNews[] = [];
    for await (const one of followEvents(engine, {
      signal: end.signal,
      filters: { type: ['container'] },
      random: () => 0,
    })) {
      news.push(one);
      if (news.filter(({ kind }) => kind === 'event').length === 2) end.abort();
    }
    expect(news.map(({ kind }) => kind)).toEqual(['listening', 'event', 'lost', 'listening', 'event']);
    const asked = calls.filter((call) => call.includes('/events'));
    expect(asked[0]).not.toContain('since');
    expect(new URL(`http://x${asked[1]?.slice(4)}`).searchParams.get('since')).toMatch(
      /^1700000010\.12345[56]000$/,
    );
  });

  it('go on when the engine comes back after a while', async () => {
    const first = await serve((_request, response) => response.writeHead(200).flushHeaders());
    const end = new AbortController();
    const kinds: string[] = [];
    const followed = (async () => {
      for await (const { kind } of followEvents(first.engine, { signal: end.signal })) kinds.push(kind);
    })();
    await becomes(() => kinds.includes('listening'));
    first.server.closeAllConnections();
    await new Promise((resolve) => first.server.close(resolve));
    await becomes(() => kinds.filter((kind) => kind === 'lost').length >= 2);
    const before = kinds.length;
    await serve((_request, response) => response.writeHead(200).flushHeaders(), '1.41', first.port);
    await becomes(() => kinds.slice(before).includes('listening'));
    end.abort();
    await followed;
  });
});
