import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import http2 from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../balance/balancer.ts';
import { targetAt } from '../fixtures.ts';
import { HEADERS, INITIAL_WINDOW_SIZE } from './frames.ts';
import {
  ask,
  client,
  closers,
  echo,
  http1Instance,
  http2Instance,
  proxy,
  web,
} from './http2.test-support.ts';
import { RawClient, request } from './raw-client.test-support.ts';

describe('an HTTP/2 listener, before its instances', () => {
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

  it('serves others while a client takes nothing of many large answers that come over the same connection', async () => {
    const target = await http2Instance((stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(headers[':path'] === '/large' ? 300_000 : 1_000));
    });
    const given = await proxy([target]);
    const slow = RawClient.begin(given.plain, [INITIAL_WINDOW_SIZE, 0]);
    slow.say(...Array.from({ length: 60 }, (_, i) => request(2 * i + 1, { ':path': '/large' })));
    await slow.next(HEADERS, 119);
    const session = client(given);
    for (let i = 0; i < 50; i++) expect((await ask(session)).body).toHaveLength(1_000);
    expect(target.connections()).toBe(1);
  });

  it('sends the begun body of a request again that an instance has not looked at', async () => {
    let seen = '';
    let refuse = () => {};
    const target = await http2Instance((stream, headers) => {
      if (target.connections() > 1) {
        echo(stream, headers);
        return;
      }
      stream.on('data', (piece: Buffer) => {
        seen += piece.toString();
      });
      refuse = () => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    });
    const session = client(await proxy([target]));
    const stream = session.request({ ':path': '/', ':authority': 'x.test', ':method': 'POST' });
    const received: Buffer[] = [];
    stream.on('data', (piece: Buffer) => received.push(piece));
    let sent = '';
    for (const piece of ['one', 'two'.repeat(1_000), 'three']) {
      stream.write(piece);
      sent += piece;
      while (seen !== sent) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    refuse();
    while (target.connections() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    stream.end('four');
    await once(stream, 'end');
    expect(Buffer.concat(received).toString()).toBe(`${sent}four`);
    expect(target.state.inFlight).toBe(0);
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

  it('sends all that a goodbye came before again over one other connection', async () => {
    const waiting: ServerHttp2Stream[] = [];
    const target = await http2Instance((stream) => {
      if (target.connections() === 1) waiting.push(stream);
      else stream.respond({ ':status': 204 }, { endStream: true });
    });
    const session = client(await proxy([target]));
    const answers = Array.from({ length: 20 }, () => ask(session, { ':method': 'POST' }, 'x'));
    while (waiting.length < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const one of target.sessions) one.goaway(http2.constants.NGHTTP2_NO_ERROR, 1);
    waiting.find(({ id }) => id === 1)?.respond({ ':status': 204 }, { endStream: true });
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses).toEqual(Array.from({ length: 20 }, () => 204));
    expect(target.connections()).toBe(2);
    expect(target.state.inFlight).toBe(0);
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

  it('dials an instance anew that took a connection and said nothing', async () => {
    const good = await http2Instance(echo, { secure: true });
    let dialled = 0;
    const sockets: Socket[] = [];
    const door = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      if (++dialled > 1)
        socket
          .pipe(connect(good.port, '127.0.0.1'))
          .on('error', () => {})
          .pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(door, 'listening');
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      door.close();
    });
    const target = { ...good, port: (door.address() as { port: number }).port };
    const session = client(await proxy([target], { limits: { connectTimeout: 300 } }));
    expect((await ask(session)).status).toBe(504);
    while ((await ask(session)).status !== 200);
    expect(dialled).toBeGreaterThan(1);
    expect(target.state.inFlight).toBe(0);
  });

  it('lets go of an instance that left while it was being dialled and said nothing', async () => {
    const good = await http2Instance(echo, { secure: true });
    let open = 0;
    const door = createServer((socket) => {
      open++;
      socket.on('error', () => {});
      socket.on('close', () => open--);
      socket.resume();
    }).listen(0, '127.0.0.1');
    await once(door, 'listening');
    closers.push(() => door.close());
    const target = { ...good, port: (door.address() as { port: number }).port };
    const given = await proxy([target], { limits: { connectTimeout: 300 } });
    const answer = ask(client(given));
    while (open === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    given.server.forget(target.state);
    expect((await answer).status).toBe(504);
    while (open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('leaves a connection that swallows all that is sent, though nobody closed it', async () => {
    const good = await http2Instance(echo);
    const pairs: [Socket, Socket][] = [];
    const door = createServer((socket) => {
      const instance = connect(good.port, '127.0.0.1');
      for (const one of [socket, instance]) one.on('error', () => {});
      pairs.push([socket, instance]);
      socket.pipe(instance).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(door, 'listening');
    closers.push(() => {
      for (const one of pairs.flat()) one.destroy();
      door.close();
    });
    const target = { ...good, port: (door.address() as { port: number }).port };
    const session = client(await proxy([target], { limits: { responseTimeout: 200, connectTimeout: 300 } }));
    expect((await ask(session)).status).toBe(200);
    for (const [socket, instance] of pairs) {
      socket.unpipe(instance);
      instance.unpipe(socket);
      socket.resume();
    }
    expect((await ask(session)).status).toBe(504);
    while ((await ask(session)).status !== 200);
    expect(pairs).toHaveLength(2);
    expect(target.state.inFlight).toBe(0);
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
});
