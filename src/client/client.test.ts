import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Asked, type FakeAgent, type Reply, startFakeAgent } from './fake-agent.test-support.ts';
import { Client, type ClientOptions, clientOptionsFromEnv, RefusedError } from './index.ts';
import { baseUrl } from './options.ts';

let agent: FakeAgent | undefined;
const serve = async (answer: (asked: Asked) => Reply | Promise<Reply>) => {
  agent = await startFakeAgent(answer);
  return agent;
};
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

describe('the address', () => {
  it.each([
    [{}, 'http://127.0.0.1:8500'],
    [{ address: '10.0.0.1:80' }, 'http://10.0.0.1:80'],
    [{ address: 'agent.local' }, 'http://agent.local:8500'],
    [{ address: ':8501' }, 'http://127.0.0.1:8501'],
    [{ address: '::1' }, 'http://[::1]:8500'],
    [{ address: '[::1]:99' }, 'http://[::1]:99'],
    [{ address: 'agent:8501', tls: true }, 'https://agent:8501'],
    [{ address: 'https://agent/prefix/' }, 'https://agent/prefix'],
  ])('%o is %s', (options, expected) => {
    const url = baseUrl(options);
    // A port that is the scheme's own is the same with and without.
    expect(url === expected || `${url}:80` === expected).toBe(true);
  });

  it('that cannot be one is said so at once', () => {
    expect(() => new Client({ address: 'a b' })).toThrow(/not an address/);
    expect(() => new Client({ address: 'unix:///run/agent.sock' })).not.toThrow();
  });
});

describe('options from the environment', () => {
  it('are those of Consul', () => {
    const env = {
      CONSUL_HTTP_ADDR: 'a:1',
      CONSUL_HTTP_TOKEN: 't',
      CONSUL_HTTP_SSL: 'true',
      CONSUL_HTTP_AUTH: 'u:p',
    };
    expect(clientOptionsFromEnv(env)).toEqual({ address: 'a:1', token: 't', tls: true, basicAuth: 'u:p' });
    expect(clientOptionsFromEnv({ CONSUL_HTTP_ADDR: '' })).toEqual({});
  });

  it('take the token from a file before that of the variable', () => {
    const directory = mkdtempSync(join(tmpdir(), 'muster-client-'));
    const path = join(directory, 'token');
    writeFileSync(path, 'secret\n');
    const env = { CONSUL_HTTP_TOKEN: 'other', CONSUL_HTTP_TOKEN_FILE: path };
    expect(clientOptionsFromEnv(env)).toEqual({ token: 'secret' });
    rmSync(directory, { recursive: true });
    expect(() => clientOptionsFromEnv(env)).toThrow(/CONSUL_HTTP_TOKEN_FILE cannot be read/);
  });

  it('that make no sense are refused', () => {
    expect(() => clientOptionsFromEnv({ CONSUL_HTTP_SSL: 'maybe' })).toThrow(/write true or false/);
  });
});

describe.each<Pick<ClientOptions, 'transport'>>([{}, { transport: 'node:http' }])('a call (%o)', (over) => {
  it('carries token, datacenter and its parameters', async () => {
    const { address, asked } = await serve(() => ({ json: [], index: 7 }));
    const client = new Client({
      ...over,
      address,
      token: 'secret',
      datacenter: 'dc1',
      basicAuth: 'user:pass',
    });
    await client.health.service('my web', { passing: true, tag: 'a b', consistency: 'stale' });
    expect(asked[0]?.path).toBe('/v1/health/service/my%20web');
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      tag: 'a b',
      passing: '1',
      stale: '',
      dc: 'dc1',
    });
    expect(asked[0]?.headers).toMatchObject({
      'x-consul-token': 'secret',
      authorization: `Basic ${Buffer.from('user:pass').toString('base64')}`,
    });
  });

  it('that is refused says what the agent said, and the status', async () => {
    const { address } = await serve(() => ({ status: 403, text: 'Permission denied' }));
    const error = await new Client({ ...over, address }).catalog.nodes().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code: 'client.refused', status: 403, body: 'Permission denied' });
    expect(String(error)).toMatch(
      /refused GET \/v1\/catalog\/nodes with 403: Permission denied\. Set CONSUL_HTTP_TOKEN/,
    );
  });

  it('to something that is no agent says so', async () => {
    const { address } = await serve(() => ({ text: '<html>' }));
    await expect(new Client({ ...over, address }).status.leader()).rejects.toThrow(/is not JSON.*<html>/);
  });

  it('without an agent names the address and the remedy', async () => {
    const { address, stop } = await serve(() => ({}));
    await stop();
    agent = undefined;
    await expect(new Client({ ...over, address }).status.leader()).rejects.toMatchObject({
      code: 'client.unreachable',
      message: expect.stringMatching(new RegExp(`${address}.*ECONNREFUSED.*muster agent -dev`)),
    });
  });

  it('is given up after the timeout', async () => {
    const { address } = await serve(() => ({ hang: true }));
    await expect(new Client({ ...over, address, timeout: 20 }).status.leader()).rejects.toMatchObject({
      code: 'client.unreachable',
      message: expect.stringContaining('no answer within 20 ms'),
    });
  });

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController();
    const { address } = await serve(() => {
      stop.abort(new Error('enough'));
      return { hang: true };
    });
    await expect(new Client({ ...over, address }).status.leader({ signal: stop.signal })).rejects.toThrow(
      'enough',
    );
  });

  it('whose answer is cut off says so', async () => {
    const server = createServer((_, response) => {
      response.setHeader('Content-Length', 100);
      response.write('{', () => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(new Client({ ...over, address }).status.leader()).rejects.toMatchObject({
      code: 'client.unreachable',
      message: expect.stringContaining('the connection was closed without an answer'),
    });
    server.close();
  });
});

it("over node:http loads nothing of Node's fetch, whose loading costs more than a short command", async () => {
  const { address } = await serve(() => ({ json: [{ Key: 'a', Value: 'MQ==', Flags: 0 }] }));
  const { outputFiles } = await build({
    stdin: {
      contents: `import { Client } from './src/client/index.ts';
        const { kv } = new Client({ address: ${JSON.stringify(address)}, transport: 'node:http' });
        console.log(await kv.text('a'), process.moduleLoadList.filter((name) => name.includes('undici')));`,
      resolveDir: '.',
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    write: false,
  });
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    outputFiles[0]!.text,
  ]);
  expect(stdout).toBe('1 []\n');
});

describe('agent', () => {
  it("registers, reports and deregisters at Consul's endpoints", async () => {
    const { address, asked } = await serve(({ path }) => (path.endsWith('/none') ? { status: 404 } : {}));
    const client = new Client({ address });
    await client.agent.register({ Name: 'web', Port: 80 });
    await client.agent.pass('service:web', { note: 'fine' });
    await client.agent.update('service:web', 'critical', 'broken');
    await client.agent.maintainService('web', true, { reason: 'moving' });
    await client.agent.deregister('a/b');
    expect(await client.agent.service('none')).toBeUndefined();
    expect(asked.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['PUT', '/v1/agent/service/register', '{"Name":"web","Port":80}'],
      ['PUT', '/v1/agent/check/pass/service%3Aweb?note=fine', ''],
      ['PUT', '/v1/agent/check/update/service%3Aweb', '{"Status":"critical","Output":"broken"}'],
      ['PUT', '/v1/agent/service/maintenance/web?enable=true&reason=moving', ''],
      ['PUT', '/v1/agent/service/deregister/a%2Fb', ''],
      ['GET', '/v1/agent/service/none', ''],
    ]);
  });

  it('never sends a name that a URL would lose', async () => {
    const { address, asked } = await serve(() => ({}));
    await expect(new Client({ address }).agent.deregister('..')).rejects.toThrow(/cannot be a name/);
    expect(asked).toEqual([]);
  });
});

describe('kv', () => {
  it('gives bytes, and undefined for what is not there', async () => {
    const pair = { Key: 'a', Flags: 3, LockIndex: 0, CreateIndex: 1, ModifyIndex: 2 };
    const { address } = await serve(({ path }) =>
      path === '/v1/kv/a' ? { json: [{ ...pair, Value: 'w7w=' }], index: 2 } : { status: 404, index: 2 },
    );
    const { kv } = new Client({ address });
    expect(await kv.get('a')).toEqual({ ...pair, Value: new Uint8Array([0xc3, 0xbc]) });
    expect(await kv.text('a')).toBe('ü');
    expect([await kv.get('b'), await kv.list('b'), await kv.keys('b')]).toEqual([undefined, [], []]);
  });

  it('writes with conditions and says whether they held', async () => {
    const { address, asked } = await serve(({ query }) => ({ text: query.has('cas') ? 'false\n' : 'true' }));
    const { kv } = new Client({ address });
    expect(await kv.put('a/b c', 'x', { flags: 2n ** 64n - 1n })).toBe(true);
    expect(await kv.put('a', new Uint8Array([65]), { cas: 0 })).toBe(false);
    expect(await kv.delete('a/', { recurse: true })).toBe(true);
    expect(asked.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['PUT', '/v1/kv/a/b%20c?flags=18446744073709551615', 'x'],
      ['PUT', '/v1/kv/a?cas=0', 'A'],
      ['DELETE', '/v1/kv/a/?recurse', ''],
    ]);
  });

  it('sends keys whole that a URL would fold', async () => {
    const { address, asked } = await serve(() => ({ text: 'true' }));
    await new Client({ address }).kv.put('a/../b', 'x');
    expect(asked[0]?.url).toBe('/v1/kv/a%2F..%2Fb');
  });
});

it('events are watched by an index of 64 bits', async () => {
  const indexes = ['18446744073709551000', '18446744073709551001'];
  const asked: (string | null)[] = [];
  const server = createServer((request, response) => {
    const index = new URL(request.url ?? '', 'http://x').searchParams.get('index');
    asked.push(index);
    const next = indexes[index === null ? 0 : 1];
    if (asked.length > 2) return;
    response.setHeader('X-Consul-Index', next!).end(JSON.stringify([{ Name: String(asked.length) }]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const seen: string[] = [];
  for await (const [event] of new Client({ address: `127.0.0.1:${port}` }).event.watch('deploy')) {
    seen.push(event!.Name);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual(['1', '2']);
  expect(asked).toEqual([null, indexes[0]]);
  server.closeAllConnections();
  server.close();
});

it('takes no part in the patience of fetch, which is five minutes, where an answer may be silent for longer', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new Error('Body Timeout Error')));
  try {
    const server = createServer((_, response) => response.setHeader('X-Consul-Index', 7).end('[]'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = new Client({ address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
    const pieces = [];
    for await (const piece of client.agent.monitor()) pieces.push(new TextDecoder().decode(piece));
    expect(pieces).toEqual(['[]']);
    expect(await client.kv.keys('a', { index: 6 })).toEqual([]);
    server.closeAllConnections();
    server.close();
  } finally {
    vi.unstubAllGlobals();
  }
});

it('needs nothing of Node to be loaded: browsers use it too', async () => {
  const { metafile } = await build({
    entryPoints: ['src/client/index.ts'],
    bundle: true,
    write: false,
    metafile: true,
    external: ['node:*'],
  });
  const asked = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
  expect(asked.filter(({ external }) => external)).toEqual([]);
});

it('a stream ends with its signal, and says when it is refused', async () => {
  const server = createServer((request, response) => {
    if (request.url?.includes('bad')) response.writeHead(400).end('Unknown log level: bad');
    else response.write('one line\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { agent: calls } = new Client({ address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  const ending = new AbortController();
  const pieces: string[] = [];
  for await (const piece of calls.monitor({ signal: ending.signal })) {
    pieces.push(new TextDecoder().decode(piece));
    ending.abort();
  }
  expect(pieces).toEqual(['one line\n']);
  await expect(calls.monitor({ level: 'bad' }).next()).rejects.toThrow(/Unknown log level: bad/);
  server.closeAllConnections();
  server.close();
});
