import dgram from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../proxy/tls/fixtures.ts';
import { run } from '../run.ts';
import type { Terminal } from '../verb.ts';
import { verbs } from '../verbs.ts';
import { ask, backend, balancer, closers, folder, renewing, until } from './lb.test-support.ts';

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
    await until(() => seen.text.includes(`instance ejected instance=static/127.0.0.1:${a.port}`));
  });

  it('asks upstreams whether they are well, and sends nothing to those that say no', async () => {
    const asked: (string | undefined)[] = [];
    let isWell = false;
    const server = http.createServer(({ url, headers }, response) => {
      if (url === '/health') asked.push(headers.host);
      response.writeHead(url !== '/health' || isWell ? 200 : 503).end('b');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const a = await backend('a');
    const b = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    const { url, seen } = await balancer(
      `127.0.0.1:${a.port},${b}`,
      '-check-http=/health',
      '-check-host=shop.test',
      '-check-interval=20ms',
      // Of a busy machine: who is well may be slow to say so.
      '-check-timeout=30s',
    );
    await until(() => seen.text.includes(`instance is not healthy instance=static/${b}`));
    // It is told before the data path knows: with both in turn, two of one in a row say that it does.
    for (let last = '', now = ''; now !== '200 a' || last !== now; ) [last, now] = [now, await ask(url)];
    for (let i = 0; i < 10; i++) expect(await ask(url)).toBe('200 a');
    isWell = true;
    await until(() => seen.text.includes(`instance is healthy instance=static/${b}`));
    while ((await ask(url)) !== '200 b');
    expect(new Set(asked)).toEqual(new Set(['shop.test']));
    isWell = false;
    await a.stop();
    // The last one that is well is gone, too: whoever asks is told at once.
    await until(() => seen.text.split('instance is not healthy').length > 2);
    for (let answer = ''; !answer.startsWith('503 '); ) answer = await ask(url);
  });

  it('leads to HTTPS whether or not an upstream is well', async () => {
    const [cert, key] = [join(folder, 'web.pem'), join(folder, 'web-key.pem')];
    const authority = new Authority('Test');
    closers.push(() => authority.remove());
    renewing(authority, cert, key)('shop.test');
    const { url, seen } = await balancer(
      '127.0.0.1:1',
      ...['-listen-tls', '127.0.0.1:0', '-tls-cert', cert, '-tls-key', key, '-redirect-https', '-check-tcp'],
    );
    await until(() => seen.text.includes('instance is not healthy'));
    const answer = await fetch(`${url}x?y`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([301, 'https://127.0.0.1/x?y']);
  });

  it('asks at another port, for connections too', async () => {
    const health = await backend('well', (response) => void response.writeHead(503).end());
    const a = await backend('a');
    const { url, seen } = await balancer(
      `127.0.0.1:${a.port}`,
      '-protocol=tcp',
      '-check-http=/primary',
      `-check-port=${health.port}`,
      '-check-interval=20ms',
    );
    await until(() => seen.text.includes('instance is not healthy'));
    // Not fetch: Node's may wait for ever on a connection that was ended as soon as it stood. Nor on a kept one, which would stay.
    const isRefused = () =>
      new Promise<boolean>((resolve) => {
        const refused = () => resolve(true);
        http
          .get(url, { agent: false }, (answer) => answer.resume().on('close', () => resolve(false)))
          .on('error', refused);
      });
    while (!(await isRefused())) await new Promise((later) => setTimeout(later, 5));
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

  it('sends a client to the same upstream with a strategy by address, over HTTP too', async () => {
    const backends = await Promise.all(['a', 'b', 'c', 'd'].map((name) => backend(name)));
    const upstreams = backends.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const { url } = await balancer(upstreams, '-strategy', 'maglev');
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url)));
    expect(new Set(answers).size).toBe(1);
  });

  it('has the options of routes, for all upstreams and for one', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const users = join(folder, 'users');
    // htpasswd -s: "pw".
    writeFileSync(users, 'ann:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=\n');
    const { url } = await balancer(
      `127.0.0.1:${a.port},127.0.0.1:${b.port} canary=0%`,
      '-options=canaryif=X-Canary:yes sticky=shop strip=/in',
      '-options=rate=3/h,header:X-Who',
      `-auth=${users}`,
      '-auth-realm=shop',
    );
    const get = async (headers: Record<string, string>) => {
      const login = `Basic ${Buffer.from('ann:pw').toString('base64')}`;
      const answer = await fetch(`${url}in/x`, { headers: { authorization: login, ...headers } });
      return { status: answer.status, text: await answer.text(), headers: answer.headers };
    };
    expect(await get({ authorization: '' })).toMatchObject({ status: 401 });
    const first = await get({ 'x-who': 'ann', 'x-canary': 'yes' });
    expect(first).toMatchObject({ status: 200, text: 'b' });
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(cookie).toMatch(/^shop=/);
    expect(await get({ 'x-who': 'ann', cookie })).toMatchObject({ status: 200, text: 'b' });
    expect(await get({ 'x-who': 'ann' })).toMatchObject({ status: 200, text: 'a' });
    expect(await get({ 'x-who': 'ann' })).toMatchObject({ status: 429 });
    expect(await get({ 'x-who': 'bob' })).toMatchObject({ status: 200 });
  });

  it('copies requests, logs them, and leads clear text to HTTPS', async () => {
    const copied: string[] = [];
    const shadow = http.createServer((request, response) => {
      copied.push(request.url ?? '');
      response.end();
    });
    shadow.listen(0, '127.0.0.1');
    await once(shadow, 'listening');
    closers.push(() => shadow.close());
    const a = await backend('a');
    const authority = new Authority();
    closers.push(() => authority.remove());
    const [cert, key, log] = ['m.pem', 'm-key.pem', 'access.log'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    renewing(authority, cert, key)('shop.test');
    const { url, seen } = await balancer(
      `127.0.0.1:${a.port}`,
      ...['-listen-tls', '127.0.0.1:0', '-tls-cert', cert, '-tls-key', key, '-redirect-https'],
      ...['-mirror', `127.0.0.1:${(shadow.address() as { port: number }).port}`],
      ...['-access-log', log, '-access-log-format', '$request_uri $response_status'],
    );
    // Copies are no share of the requests: the mirror stood there as one more upstream.
    expect(seen.text).toContain(`upstreams=127.0.0.1:${a.port} `);
    const { port } = new URL(url);
    const redirect = await new Promise<http.IncomingMessage>((resolve) => {
      http.get({ host: '127.0.0.1', port, path: '/p?q', headers: { host: 'shop.test' } }, resolve);
    });
    expect(redirect.resume()).toMatchObject({
      statusCode: 301,
      headers: { location: 'https://shop.test/p?q' },
    });
    // HTTP/1.0 needs no Host: it led to "https:///p".
    const nameless = net.connect(Number(port), '127.0.0.1');
    nameless.end('GET /p HTTP/1.0\r\n\r\n');
    expect(await textOf(nameless)).toMatch(/\r\nLocation: https:\/\/127\.0\.0\.1\/p\r\n/i);
    const secure = /listen="127\.0\.0\.1:\d+, 127\.0\.0\.1:(\d+)"/.exec(seen.text)?.[1];
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const options = { port: secure, path: '/x', servername: 'shop.test', ca: authority.cert, agent: false };
      https.get({ host: '127.0.0.1', ...options }, resolve).on('error', reject);
    });
    expect(answer.resume().statusCode).toBe(200);
    await until(() => copied.length > 0);
    expect(copied).toEqual(['/x']);
    const logged = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []);
    await until(() => ['/p?q 301', '/x 200'].every((line) => logged().includes(line)));
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
      ['-listen', ':0', '-upstream', '127.0.0.1:1 wieght=3'],
      'there is no option "wieght"; did you mean "weight"?',
    ],
    [['-listen', ':0', '-upstream', '127.0.0.1:1 weight=x'], 'expected whole numbers behind weight='],
    [['-listen', ':0', '-upstream', '127.0.0.1:1', '-options', 'rate=20'], '-options: rate=20: it must be'],
    [
      ['-listen', ':0', '-upstream', '127.0.0.1:1', '-options', 'auth=x'],
      '-options: not "auth=x": say -auth FILE',
    ],
    [['-listen', ':0', '-upstream', '127.0.0.1:1', '-mirror', '127.0.0.1:1'], 'is an -upstream too'],
    [['-listen', ':0', '-upstream', '127.0.0.1:1', '-mirror-share', '5%'], 'has no effect without -mirror'],
    [['-listen', ':0', '-upstream', '127.0.0.1:1', '-redirect-https'], '-redirect-https needs -listen'],
    [
      ['-protocol', 'tcp', '-listen', ':0', '-upstream', '127.0.0.1:1', '-options', 'sticky=true'],
      '"sticky=true" is for HTTP; with tcp and udp there are',
    ],
    [['-protocol', 'tcp', '-listen', ':0', '-upstream', '127.0.0.1:1', '-compress'], '-compress is for HTTP'],
    [
      ['-protocol', 'tcp', '-listen', ':0', '-upstream', '127.0.0.1:1 canary=5%'],
      '"canary=5%" is for HTTP; with tcp there are',
    ],
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
    [['-c', '/nowhere.toml', '-trace-ratio', '1'], '-trace-ratio is for HTTP'],
    [['-cfg', '/nowhere', '-metrics-listen', '127.0.0.1:1'], '-metrics-listen is for HTTP'],
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
    [
      ['-upstream', '127.0.0.1:1', '-listen-tls', ':0', '-acme', 'bad name'],
      'expected a DNS name, no wildcard',
    ],
    [['-upstream', '127.0.0.1:1', '-listen-tls', ':0', '-acme', '*.shop.test'], 'expected a DNS name'],
    [
      ['-upstream', '127.0.0.1:1', '-listen-tls', ':0', '-acme', 'a.test', '-acme-challenge', 'http-01'],
      '-acme-challenge http-01 needs -listen',
    ],
    [['-listen', '127.0.0.1:0'], '-upstream is missing'],
    [['-listen', '127.0.0.1:0', '-upstream', 'nowhere'], '-upstream "nowhere": expected host:port'],
    [['-listen', '127.0.0.1:0', '-upstream', 'http://127.0.0.1:1'], 'leave out http://; for TLS there is'],
    [['-listen', '127.0.0.1:0', '-upstream', 'https://web.test/x'], 'leave out https://; for TLS there is'],
    [['-listen', '127.0.0.1:0', '-upstream', 'web.test/x:1'], '-upstream "web.test/x:1": expected host:port'],
    [['-listen', '127.0.0.1:0', '-upstream', '127.0.0.1:1 weight=0'], 'none could get a request'],
    [['-listen', '127.0.0.1:0', '-upstream', '127.0.0.1:1', '-max-head=99999'], '60000 at most'],
    [['-listen', '127.0.0.1:0', '-upstream', '127.0.0.1:1', '-timeout-head=0s'], 'has to be above 0'],
  ])('says what is wrong with %j', async (words, sentence) => {
    let said = '';
    const terminal: Terminal = {
      out: () => {},
      err: (text) => {
        said += text;
      },
      stdin: Readable.from([]),
      env: {},
      color: false,
    };
    // In this process: it is told before anything begins.
    expect(await run(verbs, ['lb', ...words], terminal)).toBe(2);
    expect(said).toContain(sentence);
  });
});
