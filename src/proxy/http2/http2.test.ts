import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Target } from '../../balance/balancer.ts';
import { CounterReader, createCounterBlock } from '../counters.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import { ProxyServer, type ProxyServerOptions } from '../net/server.ts';
import { readCertificate } from '../tls/certificate.ts';
import { Authority } from '../tls/fixtures.ts';
import { Keyring } from '../tls/keyring.ts';
import { DEFAULT_TLS } from '../tls/spec.ts';

const authority = new Authority();
afterAll(() => authority.remove());
const web = authority.issue({ names: ['web.test'] });

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Proxy {
  readonly server: ProxyServer;
  readonly plain: number;
  readonly secure: number;
  readonly counts: CounterReader;
}

async function proxy(targets: readonly Target[], options: Partial<ProxyServerOptions> = {}): Promise<Proxy> {
  const keyring = new Keyring();
  keyring
    .store('default')
    .replace({ certificates: [readCertificate({ place: 'web', ...web })], clientCa: [] });
  const counters = createCounterBlock();
  const counts = new CounterReader();
  counts.add(counters);
  const server = new ProxyServer({ routes: routeTo(targets), keyring, counters, ...options });
  closers.push(() => server.stop());
  const place = { host: '127.0.0.1', port: 0, http2: true };
  const plain = await server.open({ id: 'plain', protocol: 'http', ...place });
  const secure = await server.open({ id: 'secure', protocol: 'https', ...place, tls: DEFAULT_TLS });
  return { server, counts, plain: plain.port, secure: secure.port };
}

function client({ plain, secure }: Proxy, over: 'clear text' | 'TLS' = 'TLS'): ClientHttp2Session {
  const session =
    over === 'TLS'
      ? http2.connect(`https://127.0.0.1:${secure}`, { servername: 'web.test', ca: authority.cert })
      : http2.connect(`http://127.0.0.1:${plain}`);
  session.on('error', () => {});
  closers.push(() => session.destroy());
  return session;
}

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  trailers: IncomingHttpHeaders | undefined;
  body: string;
  rst: number;
}

async function ask(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]> = {},
  body?: string | Buffer,
): Promise<Answer> {
  const stream = session.request(
    { ':path': '/', ':authority': 'x.test', ...headers },
    { endStream: body === undefined },
  );
  const answer: Answer = { status: undefined, headers: {}, trailers: undefined, body: '', rst: 0 };
  stream.on('error', () => {});
  stream.on('response', (response) => {
    answer.status = response[':status'];
    answer.headers = response;
  });
  stream.on('trailers', (trailers) => {
    answer.trailers = trailers;
  });
  stream.on('data', (chunk: Buffer) => {
    answer.body += chunk.toString('latin1');
  });
  if (body !== undefined) stream.end(body);
  await new Promise<void>((resolve) => stream.on('close', () => resolve()));
  answer.rst = stream.rstCode ?? 0;
  return answer;
}

/** An instance that speaks HTTP/1.1. */
async function http1Instance(handle: http.RequestListener, slot = 0): Promise<Target> {
  const server = http.createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return targetAt((server.address() as { port: number }).port, slot);
}

/** One that speaks HTTP/2. */
async function http2Instance(
  handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  options: { secure?: boolean; slot?: number; settings?: http2.Settings } = {},
): Promise<Target & { connections: () => number; sessions: Set<http2.ServerHttp2Session> }> {
  const { secure = false, slot = 0, settings = {} } = options;
  const server = secure ? http2.createSecureServer({ ...web, settings }) : http2.createServer({ settings });
  const sessions = new Set<http2.ServerHttp2Session>();
  let connections = 0;
  server.on('session', (session) => {
    connections++;
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    handle(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const target = targetAt((server.address() as { port: number }).port, slot);
  return {
    ...target,
    options: { protocol: 'grpc' },
    ...(secure ? { tls: { verify: true, serverName: 'web.test', ca: authority.cert } } : {}),
    connections: () => connections,
    sessions,
  };
}

/** Sends back what it got: method, path and headers in headers, the body as the body, trailers as trailers. */
const echo = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
  const seen = Object.entries(headers).filter(
    ([name]) => !name.startsWith(':') || name === ':path' || name === ':method',
  );
  stream.respond(
    {
      ':status': 200,
      'x-seen': JSON.stringify(Object.fromEntries(seen)),
      'x-authority': headers[':authority'],
    },
    { waitForTrailers: true },
  );
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', (given) => {
    trailers = given;
  });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes', ...trailers }));
  stream.pipe(stream);
};

const block = Buffer.alloc(1 << 20, 'muster ');
const digest = (bytes: Buffer | string) => createHash('sha1').update(bytes).digest('hex');

describe.each(['clear text', 'TLS'] as const)('an HTTP/2 client over %s', (over) => {
  it('resolves dots in a path before its route is found', async () => {
    const target = await http1Instance((request, response) => response.end(request.url));
    const session = client(await proxy([], { routes: { ...routeTo([target]), ignoresPath: () => false } }));
    expect((await ask(session, { ':path': '/public/%2e./admin?a=//' })).body).toBe('/admin?a=//');
    expect((await ask(session, { ':path': '//admin' })).body).toBe('/admin');
  });

  it('has its requests served by instances that speak HTTP/1.1, side by side over one connection', async () => {
    const waiting: (() => void)[] = [];
    const target = await http1Instance((request, response) => {
      const answer = () =>
        response.end(JSON.stringify({ ...request.headers, method: request.method, url: request.url }));
      if (request.url === '/slow') waiting.push(answer);
      else answer();
    });
    const given = await proxy([target]);
    const session = client(given, over);
    const slow = ask(session, { ':path': '/slow' });
    while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { status, body } = await ask(session, {
      ':path': '/a?b=c',
      cookie: ['one=1', 'two=2'],
      te: 'trailers',
      'x-many': ['1', '2'],
    });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      method: 'GET',
      url: '/a?b=c',
      host: 'x.test',
      cookie: 'one=1; two=2',
      'x-many': '1, 2',
      'x-forwarded-proto': over === 'TLS' ? 'https' : 'http',
      'x-forwarded-for': '127.0.0.1',
    });
    expect(JSON.parse(body)).not.toHaveProperty('te');
    waiting[0]?.();
    expect((await slow).status).toBe(200);
    expect(given.counts.overall()).toMatchObject({ connections: 1, requests: 2, classes: [0, 2, 0, 0, 0] });
  });

  it('has its requests served by instances that speak HTTP/2, over one connection to them', async () => {
    const target = await http2Instance(echo);
    const session = client(await proxy([target]), over);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        ask(session, { ':path': `/${i}`, ':method': 'POST' }, `body ${i}`),
      ),
    );
    for (const [i, { status, body, trailers, headers }] of answers.entries()) {
      expect({ status, body, end: trailers?.['x-end'] }).toEqual({
        status: 200,
        body: `body ${i}`,
        end: 'yes',
      });
      expect(JSON.parse(String(headers['x-seen']))).toMatchObject({ ':path': `/${i}`, ':method': 'POST' });
      expect(headers['x-authority']).toBe('x.test');
    }
    expect(target.connections()).toBe(1);
  });

  it('carries large bodies both ways', async () => {
    const big = Buffer.concat(Array.from({ length: 8 }, () => block));
    const one = await http1Instance((request, response) => void request.pipe(response));
    const two = await http2Instance(echo);
    for (const target of [one, two]) {
      const session = client(await proxy([target]), over);
      const length = { 'content-length': String(big.length) };
      for (const headers of [{}, length]) {
        const { status, body } = await ask(session, { ':method': 'POST', ...headers }, big);
        expect(status).toBe(200);
        expect(digest(Buffer.from(body, 'latin1'))).toBe(digest(big));
      }
    }
  });

  it('hears what there is before the end, and may go on sending meanwhile', async () => {
    for (const target of [
      await http2Instance(echo),
      await http1Instance((request, response) => {
        response.writeHead(200);
        response.flushHeaders();
        request.pipe(response);
      }),
    ]) {
      const session = client(await proxy([target]), over);
      const stream = session.request(
        { ':path': '/', ':method': 'POST', ':authority': 'x.test' },
        { endStream: false },
      );
      stream.setEncoding('latin1');
      for (const word of ['one', 'two', 'three']) {
        stream.write(word);
        const [heard] = await once(stream, 'data');
        expect(heard).toBe(word);
      }
      stream.end();
      await once(stream, 'close');
    }
  });
});

describe('an HTTP/2 listener', () => {
  it('still serves HTTP/1.1, over both', async () => {
    const target = await http1Instance((_, response) => response.end('one'));
    const given = await proxy([target]);
    const answer = await fetch(`http://127.0.0.1:${given.plain}/`);
    expect(await answer.text()).toBe('one');
    const pieces = connectPlain(given.plain, '127.0.0.1');
    closers.push(() => pieces.destroy());
    pieces.write('P');
    await new Promise((resolve) => setTimeout(resolve, 20));
    pieces.write('UT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    const [text] = (await once(pieces, 'data')) as [Buffer];
    expect(text.toString()).toMatch(/^HTTP\/1\.1 200/);
  });

  it('answers itself as it does over HTTP/1.1', async () => {
    const given = await proxy([]);
    const session = client(given);
    expect(await ask(session)).toMatchObject({
      status: 503,
      body: expect.stringMatching(/no healthy instance/),
    });
    expect((await ask(session, { ':method': 'HEAD' })).status).toBe(503);
    const connect = session.request({ ':method': 'CONNECT', ':authority': 'x.test:80' });
    const [headers] = await once(connect, 'response');
    expect(headers[':status']).toBe(501);
    connect.close();
  });

  it('lets HTTP/1.1 clients reach instances that speak HTTP/2', async () => {
    const target = await http2Instance(echo);
    const { plain } = await proxy([target]);
    const answer = await fetch(`http://127.0.0.1:${plain}/a`, { method: 'POST', body: 'text' });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('text');
    const head = await fetch(`http://127.0.0.1:${plain}/a`, { method: 'HEAD' });
    expect(await head.text()).toBe('');
  });

  it('passes trailers of HTTP/1.1 on', async () => {
    const target = await http1Instance((request, response) => {
      response.writeHead(200, { Trailer: 'X-End' });
      request.on('data', (chunk) => response.write(chunk));
      request.on('end', () => {
        response.addTrailers({ 'X-End': String(request.trailers['x-sum']) });
        response.end();
      });
    });
    const session = client(await proxy([target]));
    const stream = session.request(
      { ':path': '/', ':method': 'POST' },
      { endStream: false, waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
    stream.end('text');
    stream.resume();
    const [trailers] = await once(stream, 'trailers');
    expect(trailers).toMatchObject({ 'x-end': '42' });
  });

  it('opens WebSockets over a stream (RFC 8441)', async () => {
    const target = await http1Instance(() => {});
    const server = createServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.once('data', (head) => {
        expect(head.toString()).toMatch(/Upgrade: websocket/i);
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n',
        );
        socket.on('data', (data) => socket.write(data));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const session = client(await proxy([{ ...target, port: (server.address() as { port: number }).port }]));
    await once(session, 'remoteSettings');
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/',
      ':scheme': 'https',
      ':authority': 'x.test',
      'sec-websocket-version': '13',
    });
    const [headers] = await once(stream, 'response');
    expect(headers[':status']).toBe(200);
    stream.write('ping');
    expect(String((await once(stream, 'data'))[0])).toBe('ping');
    stream.close();
  });

  it('cuts a stream whose answer breaks off, and no other', async () => {
    const target = await http1Instance((request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('part');
      if (request.url === '/cut') setImmediate(() => response.destroy());
      else setImmediate(() => response.end('x'.repeat(96)));
    });
    const session = client(await proxy([target]));
    const [cut, whole] = await Promise.all([ask(session, { ':path': '/cut' }), ask(session)]);
    expect(cut.rst).not.toBe(0);
    expect(whole).toMatchObject({ rst: 0, status: 200 });
    expect(whole.body).toHaveLength(100);
  });

  it('tells the instance when a client gives up', async () => {
    let gone: () => void = () => {};
    const left = new Promise<void>((resolve) => {
      gone = resolve;
    });
    let asked = 0;
    const target = await http2Instance((stream) => {
      asked++;
      stream.on('close', gone);
    });
    const session = client(await proxy([target]));
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    while (asked === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await left;
    expect(target.state.inFlight).toBe(0);
  });

  it('tries the next instance when one refuses, also streams, whatever the method', async () => {
    const dead = { ...targetAt(1, 1), options: { protocol: 'grpc' as const } };
    const busy = await http2Instance((stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM), {
      slot: 2,
    });
    const good = await http2Instance(echo, { slot: 3 });
    const events: string[] = [];
    const outcomes = {
      connectFailed: (target: Target) => events.push(`refused ${target.id}`),
      cut: (target: Target) => events.push(`cut ${target.id}`),
      answered() {},
      erred() {},
    };
    const first = await proxy([dead, good], { outcomes });
    expect(await ask(client(first), { ':method': 'POST' }, 'text')).toMatchObject({
      status: 200,
      body: 'text',
    });
    expect(events).toEqual(['refused t1']);
    const second = await proxy([busy, good], { outcomes });
    expect((await ask(client(second), { ':method': 'POST' }, 'text')).status).toBe(200);
    expect(events).toEqual(['refused t1']);
  });

  it('goes on when an instance says goodbye, and loses no request', async () => {
    const target = await http2Instance((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('a');
    });
    const session = client(await proxy([target]));
    let statuses = 0;
    for (let i = 0; i < 60; i++) {
      if (i % 20 === 10) for (const one of target.sessions) one.close();
      const { status } = await ask(session, { ':method': 'POST' }, 'x');
      if (status === 200) statuses++;
    }
    expect(statuses).toBe(60);
    expect(target.connections()).toBeGreaterThan(2);
  });

  it('opens another connection when an instance takes no more streams on one', async () => {
    const waiting: ServerHttp2Stream[] = [];
    const target = await http2Instance((stream) => waiting.push(stream), {
      settings: { maxConcurrentStreams: 2 },
    });
    const session = client(await proxy([target]));
    const first = ask(session);
    while (waiting.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const rest = [ask(session), ask(session), ask(session)];
    while (waiting.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const stream of waiting) stream.respond({ ':status': 204 }, { endStream: true });
    expect((await Promise.all([first, ...rest])).map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    expect(target.connections()).toBe(2);
  });

  it('speaks HTTP/2 to instances over TLS, and only to those that agree', async () => {
    const good = await http2Instance(echo, { secure: true });
    expect((await ask(client(await proxy([good])), { ':method': 'POST' }, 'x')).body).toBe('x');
    const { createServer: createTlsServer } = await import('node:tls');
    const other = createTlsServer({ ...web, ALPNProtocols: ['http/1.1'] }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    closers.push(() => other.close());
    const target = { ...good, port: (other.address() as { port: number }).port };
    expect((await ask(client(await proxy([target])))).status).toBe(500);
  });

  it('says goodbye when it drains, and finishes what is under way', async () => {
    const waiting: ServerHttp2Stream[] = [];
    const target = await http2Instance((stream) => waiting.push(stream));
    const given = await proxy([target], { limits: { lameDuck: 20 } });
    const session = client(given);
    const answer = ask(session);
    while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const goodbye = once(session, 'goaway');
    const closed = given.server.close('secure', { patience: 5_000, isReplaced: false });
    await goodbye;
    waiting[0]?.respond({ ':status': 200 });
    waiting[0]?.end('late');
    expect(await answer).toMatchObject({ status: 200, body: 'late' });
    await closed;
  });

  it('leaves nothing behind', async () => {
    const target = await http1Instance((_, response) => response.end('a'));
    const given = await proxy([target]);
    const session = client(given);
    await Promise.all(Array.from({ length: 50 }, () => ask(session)));
    session.close();
    while (given.server.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(given.counts.overall()).toMatchObject({ openConnections: 0, inFlight: 0, requests: 50 });
    expect(target.state.inFlight).toBe(0);
  });
});
