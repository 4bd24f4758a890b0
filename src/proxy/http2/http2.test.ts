import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { routeTo } from '../fixtures.ts';
import { ask, client, closers, echo, http1Instance, http2Instance, proxy } from './http2.test-support.ts';

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

  it('may end each of its requests by an empty frame, and so may instances their answers', async () => {
    const target = await http2Instance((stream) => {
      stream.respond({ ':status': 200 });
      stream.end();
    });
    const given = await proxy([target]);
    const session = client(given, over);
    for (let i = 0; i < 150; i++) expect((await ask(session, { ':method': 'POST' }, '')).status).toBe(200);
    expect(given.counts.overall().connections).toBe(1);
    expect(target.connections()).toBe(1);
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
