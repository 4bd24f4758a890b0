import { type ChildProcess, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import tls from 'node:tls';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../proxy/tls/fixtures.ts';

/** The real program: signals, worker threads and exit codes are what matters. */
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-lb-'));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  await build({
    stdin: {
      contents: `import { run } from './src/cli/run.ts';
        import { lb } from './src/cli/verbs/lb.ts';
        const terminal = { env: process.env, out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) };
        process.exitCode = await run({ lb }, process.argv.slice(2), terminal);`,
      resolveDir: resolve('.'),
      loader: 'ts',
    },
    outfile: join(folder, 'main.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  });
  await build({
    entryPoints: ['src/proxy/worker.ts'],
    outfile: join(folder, 'proxy-worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Backend {
  port: number;
  stop(): Promise<void>;
}

async function backend(name: string, answer = (response: http.ServerResponse) => void response.end(name)) {
  const server = http.createServer((_, response) => answer(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.closeAllConnections();
    server.close();
  };
  closers.push(stop);
  return { port: (server.address() as { port: number }).port, stop } satisfies Backend;
}

function muster(...words: string[]) {
  const child: ChildProcess = spawn(process.execPath, [join(folder, 'main.js'), 'lb', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part) => {
      seen.text += part;
    });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  closers.push(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, seen, exit };
}

/** A balancer that listens on a free port. */
async function balancer(upstreams: string, ...words: string[]) {
  const running = muster('-listen', '127.0.0.1:0', '-upstream', upstreams, ...words);
  for (;;) {
    const port = /listen="?127\.0\.0\.1:(\d+)/.exec(running.seen.text)?.[1];
    if (port !== undefined) return { ...running, url: `http://127.0.0.1:${port}/` };
    if (running.child.exitCode !== null) throw new Error(running.seen.text);
    await new Promise((later) => setTimeout(later, 10));
  }
}

/** Writes a new certificate for a name into the files. */
function renewing(authority: Authority, cert: string, key: string): (name: string) => void {
  return (name) => {
    const pair = authority.issue({ names: [name] });
    writeFileSync(key, pair.key);
    writeFileSync(cert, pair.cert);
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((later) => setTimeout(later, 5));
}

const ask = async (url: string) => {
  const answer = await fetch(url);
  return `${answer.status} ${await answer.text()}`;
};

describe('muster lb', () => {
  it('balances by weight over upstreams that are named, without a registry', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { url } = await balancer(`127.0.0.1:${a.port} weight=3,127.0.0.1:${b.port}`);
    const counts: Record<string, number> = {};
    for (let i = 0; i < 40; i++) {
      const answer = await ask(url);
      counts[answer] = (counts[answer] ?? 0) + 1;
    }
    expect(counts).toEqual({ '200 a': 30, '200 b': 10 });
  });

  it('takes an upstream out that refuses, without a client noticing', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { url, seen } = await balancer(`127.0.0.1:${a.port},127.0.0.1:${b.port}`);
    await ask(url);
    await a.stop();
    for (let i = 0; i < 10; i++) expect(await ask(url)).toBe('200 b');
    expect(seen.text).toContain(`instance ejected instance=static/127.0.0.1:${a.port}`);
  });

  it('carries its flags to the data path and shows routes on -admin', async () => {
    const silent = await backend('never', () => {});
    const { url, seen } = await balancer(
      `127.0.0.1:${silent.port}`,
      '-timeout-response=100ms',
      '-strategy=leastconn',
      '-admin=127.0.0.1:0',
    );
    expect(await ask(url)).toMatch(/^504 /);
    const admin = /admin=(127\.0\.0\.1:\d+)/.exec(seen.text)?.[1];
    const routes = (await (await fetch(`http://${admin}/api/routes`)).json()) as { dst: string }[];
    expect(routes.map(({ dst }) => dst)).toEqual([`http://127.0.0.1:${silent.port}/`]);
  });

  it('serves HTTPS with a certificate that is read again when it changes', async () => {
    const authority = new Authority();
    closers.push(() => authority.remove());
    const [cert, key] = [join(folder, 'web.pem'), join(folder, 'web-key.pem')];
    const renew = renewing(authority, cert, key);
    renew('old.test');
    const { port } = await backend('a');
    const words = [
      '-listen-tls',
      '127.0.0.1:0',
      '-tls-cert',
      cert,
      '-tls-key',
      key,
      '-tls-min-version',
      'TLSv1.3',
    ];
    const { url } = await balancer(`127.0.0.1:${port}`, ...words).then(({ seen }) => ({
      url: `https://127.0.0.1:${/listen="127\.0\.0\.1:\d+, 127\.0\.0\.1:(\d+)"/.exec(seen.text)?.[1]}/`,
    }));
    const status = (servername: string) =>
      new Promise<number | string>((resolve) => {
        const request = https.get(url, { servername, ca: authority.cert, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      });
    expect(await status('old.test')).toBe(200);
    renew('new.test');
    while ((await status('new.test')) !== 200) await new Promise((later) => setTimeout(later, 50));
    expect(await status('old.test')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('takes up the renewed certificate of a server in a gobetween file', async () => {
    const authority = new Authority();
    closers.push(() => authority.remove());
    const [cert, key, file] = ['gb.pem', 'gb-key.pem', 'gb.toml'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const renew = renewing(authority, cert, key);
    renew('old.test');
    const { port } = await backend('a');
    writeFileSync(
      file,
      `[servers.x]\nbind = "127.0.0.1:0"\nprotocol = "tls"\n[servers.x.tls]\ncert_path = "${cert}"\nkey_path = "${key}"\n[servers.x.discovery]\nkind = "static"\nstatic_list = ["127.0.0.1:${port}"]\n`,
    );
    const { seen } = muster('-c', file);
    await until(() => /bind="?127\.0\.0\.1:\d+/.test(seen.text));
    const at = Number(/bind="?127\.0\.0\.1:(\d+)/.exec(seen.text)?.[1]);
    const shown = (servername: string) =>
      new Promise<boolean>((resolve) => {
        const socket = tls.connect({ port: at, host: '127.0.0.1', servername, ca: authority.cert });
        socket.on('secureConnect', () => resolve(true)).on('error', () => resolve(false));
        closers.push(() => socket.destroy());
      });
    expect(await shown('old.test')).toBe(true);
    renew('new.test');
    while (!(await shown('new.test'))) await new Promise((later) => setTimeout(later, 100));
    expect(await shown('old.test')).toBe(false);
  });

  it('sends a client to the same upstream with a strategy by address, over HTTP too', async () => {
    const backends = await Promise.all(['a', 'b', 'c', 'd'].map((name) => backend(name)));
    const upstreams = backends.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const { url } = await balancer(upstreams, '-strategy', 'maglev');
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url)));
    expect(new Set(answers).size).toBe(1);
  });

  it('relays connections as they are with -protocol tcp, and drains them', async () => {
    const { port } = await backend('a');
    const { url, child, exit, seen } = await balancer(`127.0.0.1:1,127.0.0.1:${port}`, '-protocol', 'tcp');
    expect(await ask(url)).toBe('200 a');
    const held = net.connect(Number(new URL(url).port), '127.0.0.1');
    closers.push(() => held.destroy());
    held.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(String((await once(held, 'data'))[0])).toMatch(/^HTTP\/1\.1 200/);
    child.kill('SIGTERM');
    await until(() => seen.text.includes('SIGTERM'));
    held.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(String((await once(held, 'data'))[0])).toMatch(/^HTTP\/1\.1 200/);
    expect(await exit).toBe(0);
  });

  it('exchanges datagrams with -protocol udp', async () => {
    const server = dgram.createSocket('udp4');
    server.on('message', (text, from) => server.send(`got ${text}`, from.port, from.address));
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const { url } = await balancer(`127.0.0.1:1,127.0.0.1:${server.address().port}`, '-protocol', 'udp');
    for (let i = 0; i < 3; i++) {
      const client = dgram.createSocket('udp4');
      closers.push(() => client.close());
      client.send(`${i}`, Number(new URL(url).port), '127.0.0.1');
      // The first upstream is not there: what it refuses goes to the second.
      expect(String((await once(client, 'message'))[0])).toBe(`got ${i}`);
    }
  });

  it('lets what is in flight finish on SIGTERM and ends with 0', async () => {
    const asked: http.ServerResponse[] = [];
    const { port } = await backend('late', (response) => void asked.push(response));
    const { url, child, exit, seen } = await balancer(`127.0.0.1:${port}`);
    const answer = ask(url);
    while (asked.length === 0) await new Promise((later) => setTimeout(later, 5));
    child.kill('SIGTERM');
    while (!seen.text.includes('SIGTERM')) await new Promise((later) => setTimeout(later, 5));
    asked[0]?.end('late');
    expect(await answer).toBe('200 late');
    expect(await exit).toBe(0);
  });

  it.each([
    [['-upstream', '127.0.0.1:1'], '-listen is missing'],
    [
      ['-protocol', 'tcp', '-listen', ':0', '-upstream', '127.0.0.1:1', '-access', 'refuse me'],
      '-access: expected',
    ],
    [['-protocol', 'udp', '-listen', ':0', '-upstream', '127.0.0.1:1', '-admin', ':0'], '-admin is for HTTP'],
    [
      [
        '-protocol',
        'tcp',
        '-listen',
        ':0',
        '-upstream',
        '127.0.0.1:1',
        '-otlp-endpoint',
        'http://127.0.0.1:4318',
      ],
      '-otlp-endpoint is for HTTP',
    ],
    [['-c', '/nowhere.toml', '-trace-ratio', '1'], '-trace-ratio is not with a gobetween file'],
    [['-cfg', '/nowhere', '-metrics-listen', '127.0.0.1:1'], "-metrics-listen is not with fabio's settings"],
    [['-cfg', '/nowhere', '-trace-ratio', '2'], '-trace-ratio: expected a share'],
    [['-c', '/nowhere.toml'], 'cannot read /nowhere.toml'],
    [['-upstream', '127.0.0.1:1', '-listen-tls', ':0'], '-listen-tls needs certificates'],
    [
      ['-upstream', '127.0.0.1:1', '-listen', ':0', '-tls-cert', 'a.pem'],
      '-tls-cert has no effect without -listen-tls',
    ],
    [
      ['-upstream', '127.0.0.1:1', '-listen-tls', ':0', '-tls-cert', 'a,b', '-tls-key', 'c'],
      '-tls-key: 1 given for 2 -tls-cert',
    ],
    [
      ['-upstream', '127.0.0.1:1', '-listen-tls', ':0', '-tls-cert', 'a', '-tls-client-auth', 'optional'],
      '-tls-client-auth needs -tls-client-ca',
    ],
    [['-listen', '127.0.0.1:0'], '-upstream is missing'],
    [['-listen', '127.0.0.1:0', '-upstream', 'nowhere'], '-upstream: expected host:port'],
    [['-listen', '127.0.0.1:0', '-upstream', '127.0.0.1:1 weight=0'], 'none could get a request'],
    [['-listen', '127.0.0.1:0', '-upstream', '127.0.0.1:1', '-max-head=99999'], '60000 at most'],
    [['-listen', '127.0.0.1:0', '-upstream', '127.0.0.1:1', '-timeout-head=0s'], 'has to be above 0'],
  ])('says what is wrong with %j', async (words, sentence) => {
    const { exit, seen } = muster(...words);
    expect(await exit).toBe(2);
    expect(seen.text).toContain(sentence);
  });
});
