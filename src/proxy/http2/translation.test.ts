/** What HTTP/1.1 lets pass and Node's HTTP/2 throws at, or reads as something else: none of it may cost more than its own request. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../balance/balancer.ts';
import { targetAt } from '../fixtures.ts';
import { ask, client, closers, echo, http2Instance, proxy } from './http2.test-support.ts';

/** An instance that answers every request with the same bytes. */
async function rawInstance(answer: string): Promise<Target> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return targetAt((server.address() as { port: number }).port);
}

/** All that comes back. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  closers.push(() => socket.destroy());
  socket.write(text);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

/** So many lines. */
const fields = (count: number): string => Array.from({ length: count }, (_, i) => `X-${i}: v\r\n`).join('');

describe('an answer of HTTP/1.1 for a client of HTTP/2', () => {
  it('keeps all lines of a field', async () => {
    const target = await rawInstance(
      'HTTP/1.1 103 Early Hints\r\nDate: now\r\nDate: then\r\n\r\n' +
        'HTTP/1.1 200 OK\r\nContent-Type: text/a\r\nContent-Type: text/b\r\nX-Content-Type-Options: nosniff\r\n' +
        'X-Content-Type-Options: nosniff\r\nContent-Language: de\r\nContent-Language: en\r\n' +
        'X-Own: 1\r\nX-Own: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nETag: "a"\r\nETag: "b"\r\n\r\n',
    );
    const { status, lines, body, trailers } = await ask(client(await proxy([target])));
    expect({ status, body }).toEqual({ status: 200, body: 'hi' });
    expect(lines.filter((line) => /^(?:content|x)-/.test(line))).toEqual([
      'content-type: text/a',
      'content-type: text/b',
      'x-content-type-options: nosniff',
      'x-content-type-options: nosniff',
      'content-language: de',
      'content-language: en',
      'x-own: 1',
      'x-own: 2',
    ]);
    expect(trailers).toMatchObject({ etag: '"a"' });
  });

  it('has no trailers about its connection', async () => {
    const target = await rawInstance(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nKeep-Alive: a\r\nProxy-Connection: b\r\nX-End: c\r\n\r\n',
    );
    const { status, body, trailers, rst } = await ask(client(await proxy([target])));
    expect({ status, body, rst }).toEqual({ status: 200, body: 'hi', rst: 0 });
    expect(Object.keys(trailers ?? {})).toEqual(['x-end']);
  });

  it('may leave the space behind its status out', async () => {
    const given = await proxy([await rawInstance('HTTP/1.1 201\r\nContent-Length: 2\r\n\r\nhi')]);
    expect(await ask(client(given))).toMatchObject({ status: 201, body: 'hi', rst: 0 });
  });

  it('may be as large as an answer may be, though lines are added to it', async () => {
    const given = await proxy([
      await rawInstance(
        `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${fields(99 - 1)}X: ${'x'.repeat(31_000)}\r\n\r\n`,
      ),
    ]);
    expect(await ask(client(given))).toMatchObject({ status: 200, rst: 0 });
  });

  it('may have fields that are named as what objects have', async () => {
    const target = await rawInstance(
      'HTTP/1.1 200 OK\r\nConstructor: a\r\n__proto__: b\r\nContent-Length: 0\r\n\r\n',
    );
    const { headers } = await ask(client(await proxy([target])));
    expect(headers.constructor).toBe('a');
    expect(Object.entries(headers)).toContainEqual(['__proto__', 'b']);
  });

  it('with a status beyond 599 is an error of the instance, and counts as one', async () => {
    const given = await proxy([await rawInstance('HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi')]);
    expect(await ask(client(given))).toMatchObject({ status: 502, body: 'hi', rst: 0 });
    expect(given.counts.overall()).toMatchObject({ classes: [0, 0, 0, 0, 1], connectFailures: 0 });
  });

  it('does not say how long nothing is', async () => {
    const target = await rawInstance('HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello');
    const { headers, rst, body } = await ask(client(await proxy([target])));
    expect({ rst, body, length: headers['content-length'] }).toEqual({ rst: 0, body: '', length: undefined });
  });

  it('that has no body, whatever its head says, ends with its head', async () => {
    for (const status of ['205 Reset Content', '304 Not Modified']) {
      const target = await rawInstance(`HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`);
      const { rst, body } = await ask(client(await proxy([target])));
      expect({ rst, body }).toEqual({ rst: 0, body: '' });
    }
    const target = await rawInstance('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const given = await proxy([target]);
    expect(await ask(client(given), { ':method': 'HEAD' })).toMatchObject({ status: 200, rst: 0 });
  });
});

describe('an answer of HTTP/2 for a client of HTTP/2', () => {
  it('keeps what gRPC says behind the body, however long, and though the body has a length', async () => {
    const trailers = { 'grpc-status': '9', 'grpc-message': 'x'.repeat(20_000) };
    const target = await http2Instance((stream) => {
      const head = { ':status': 200, 'content-type': 'application/grpc', 'content-length': '2' };
      stream.respond(head, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.end('ok');
    });
    const answer = await ask(
      client(await proxy([target])),
      { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' },
      'text',
    );
    expect(answer).toMatchObject({ status: 200, body: 'ok', rst: 0, trailers });
  });
});

describe('a request of HTTP/1.1 for an instance of HTTP/2', () => {
  it('with two lines of a field that has one value keeps the first', async () => {
    const { plain } = await proxy([await http2Instance(echo)]);
    const answer = await say(
      plain,
      'POST / HTTP/1.1\r\nHost: x.test\r\nUser-Agent: a\r\nUser-Agent: b\r\nX-Own: 1\r\nX-Own: 2\r\n' +
        'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\nETag: "a"\r\nETag: "b"\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    expect(answer).toMatch(/"user-agent":"a"/);
    expect(answer).toMatch(/"x-own":"1, 2"/);
  });

  it('may have as many lines as a request may have, though some are added to them', async () => {
    const target = await http2Instance((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    const { plain } = await proxy([target], { limits: { maxFields: 1_000, maxHead: 60_000 } });
    const answer = await say(
      plain,
      `GET / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n${fields(998)}\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 204/);
  });

  it('may have a Host as long as a head may be, though another line repeats it', async () => {
    const target = await http2Instance((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    const { plain } = await proxy([target], { limits: { maxHead: 60_000, maxLine: 60_000 } });
    const [before, behind] = ['GET / HTTP/1.1\r\nHost: ', '\r\nConnection: close\r\n\r\n'];
    const host = 'x'.repeat(60_000 - before.length - behind.length);
    expect(await say(plain, before + host + behind)).toMatch(/^HTTP\/1\.1 204/);
  });
});
