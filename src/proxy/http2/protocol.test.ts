/** What RFC 9113 asks of a server beyond what clients mostly do: mistakes of a connection end it, those of a stream only the stream. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as f from './frames.ts';
import { http1Instance, proxy } from './http2.test-support.ts';
import { fields, frame, number, RawClient, request, requestBlock } from './raw-client.test-support.ts';

const hello = () => http1Instance((asked, response) => asked.resume().on('end', () => response.end('hello')));

async function begin(settings: readonly number[] = []) {
  const given = await proxy([await hello()]);
  return { given, client: RawClient.begin(given.plain, settings) };
}

describe('a mistake of the connection', () => {
  const DATA = (flags: number, stream: number, size: number) =>
    frame(f.DATA, flags, stream, Buffer.alloc(size));
  const setting = (id: number, value: number) =>
    frame(f.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, id]), number(value)]));
  const opened = request(1, { ':method': 'POST' }, true);

  it.each<[string, number, Buffer[]]>([
    ['a frame that is too long', f.FRAME_SIZE_ERROR, [opened, DATA(0, 1, 16_385)]],
    ['a body of no stream', f.PROTOCOL_ERROR, [DATA(0, 0, 1)]],
    ['a body of a stream that has not begun', f.PROTOCOL_ERROR, [DATA(0, 3, 1)]],
    ['padding without a length', f.FRAME_SIZE_ERROR, [opened, DATA(f.PADDED, 1, 0)]],
    [
      'padding that is longer than its frame',
      f.PROTOCOL_ERROR,
      [opened, frame(0, f.PADDED, 1, Buffer.from([9, 1]))],
    ],
    [
      'one empty part of a body after the other',
      f.ENHANCE_YOUR_CALM,
      [opened, ...Array<Buffer>(101).fill(DATA(0, 1, 0))],
    ],
    ['a request with an even number', f.PROTOCOL_ERROR, [request(2)]],
    ['a request with number 0', f.PROTOCOL_ERROR, [request(0)]],
    ['a request with the number of one that is over', f.STREAM_CLOSED, [request(3), request(1)]],
    [
      'a frame in the middle of a header block',
      f.PROTOCOL_ERROR,
      [frame(f.HEADERS, 1, 1, requestBlock()), frame(f.PING, 0, 0, Buffer.alloc(8))],
    ],
    [
      'the rest of another header block',
      f.PROTOCOL_ERROR,
      [frame(f.HEADERS, 1, 1, requestBlock()), frame(f.CONTINUATION, 4, 3)],
    ],
    ['the rest of no header block', f.PROTOCOL_ERROR, [frame(f.CONTINUATION, 4, 1, requestBlock())]],
    [
      'a header block in more frames than any has',
      f.ENHANCE_YOUR_CALM,
      [frame(f.HEADERS, 1, 1), ...Array<Buffer>(70).fill(frame(f.CONTINUATION, 0, 1))],
    ],
    [
      'a header block that is none',
      f.COMPRESSION_ERROR,
      [frame(f.HEADERS, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
    ],
    [
      'padding that is longer than a header block',
      f.PROTOCOL_ERROR,
      [frame(f.HEADERS, 5 | f.PADDED, 1, Buffer.from([9, 0x82]))],
    ],
    ['a reset of what has not begun', f.PROTOCOL_ERROR, [frame(f.RST_STREAM, 0, 1, number(8))]],
    ['a reset of the wrong length', f.FRAME_SIZE_ERROR, [opened, frame(f.RST_STREAM, 0, 1, Buffer.alloc(3))]],
    ['settings of a stream', f.PROTOCOL_ERROR, [frame(f.SETTINGS, 0, 1)]],
    ['half a setting', f.FRAME_SIZE_ERROR, [frame(f.SETTINGS, 0, 0, Buffer.alloc(5))]],
    ['settings in an acknowledgement', f.FRAME_SIZE_ERROR, [frame(f.SETTINGS, f.ACK, 0, Buffer.alloc(6))]],
    ['a window that is too large', f.FLOW_CONTROL_ERROR, [setting(f.INITIAL_WINDOW_SIZE, 2 ** 31)]],
    ['a push that is neither on nor off', f.PROTOCOL_ERROR, [setting(f.ENABLE_PUSH, 2)]],
    ['frames that are shorter than allowed', f.PROTOCOL_ERROR, [setting(f.MAX_FRAME_SIZE, 16_383)]],
    ['a push', f.PROTOCOL_ERROR, [frame(f.PUSH_PROMISE, 4, 1, Buffer.concat([number(2), requestBlock()]))]],
    ['a ping of a stream', f.PROTOCOL_ERROR, [frame(f.PING, 0, 1, Buffer.alloc(8))]],
    ['a ping of the wrong length', f.FRAME_SIZE_ERROR, [frame(f.PING, 0, 0, Buffer.alloc(7))]],
    ['a goodbye of a stream', f.PROTOCOL_ERROR, [frame(f.GOAWAY, 0, 1, Buffer.alloc(8))]],
    ['a priority of no stream', f.PROTOCOL_ERROR, [frame(f.PRIORITY, 0, 0, Buffer.alloc(5))]],
    ['a priority of the wrong length', f.FRAME_SIZE_ERROR, [frame(f.PRIORITY, 0, 1, Buffer.alloc(4))]],
    ['no more room', f.PROTOCOL_ERROR, [frame(f.WINDOW_UPDATE, 0, 0, number(0))]],
    [
      'more room than there can be',
      f.FLOW_CONTROL_ERROR,
      [frame(f.WINDOW_UPDATE, 0, 0, number(2 ** 31 - 1))],
    ],
    ['room of the wrong length', f.FRAME_SIZE_ERROR, [frame(f.WINDOW_UPDATE, 0, 0, Buffer.alloc(3))]],
    ['room for a stream that has not begun', f.PROTOCOL_ERROR, [frame(f.WINDOW_UPDATE, 0, 7, number(1))]],
  ])('is said and ends it: %s', async (_, code, sent) => {
    const { client, given } = await begin();
    client.say(...sent);
    const goodbye = await client.next(f.GOAWAY);
    expect(goodbye.payload.readUInt32BE(4)).toBe(code);
    await client.gone();
    while (given.server.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(given.counts.overall()).toMatchObject({ openConnections: 0, inFlight: 0 });
  });

  it('is one if anything comes before the settings', async () => {
    const { given } = await begin();
    const client = new RawClient(given.plain);
    client.say(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), request(1));
    expect((await client.next(f.GOAWAY)).payload.readUInt32BE(4)).toBe(f.PROTOCOL_ERROR);
    await client.gone();
  });
});

describe('a mistake of a stream', () => {
  const data = (flags: number, text: string) => frame(f.DATA, flags, 1, Buffer.from(text));
  const post = (length?: string) => request(1, { ':method': 'POST', 'content-length': length }, true);
  const block = (flags: number, ...pairs: [string, string][]) => frame(f.HEADERS, flags, 1, fields(...pairs));

  it.each<[string, number, Buffer[]]>([
    ['no method', f.PROTOCOL_ERROR, [request(1, { ':method': undefined })]],
    ['no scheme', f.PROTOCOL_ERROR, [request(1, { ':scheme': undefined })]],
    ['no path', f.PROTOCOL_ERROR, [request(1, { ':path': undefined })]],
    ['an empty path', f.PROTOCOL_ERROR, [request(1, { ':path': '' })]],
    ['a URL for a path', f.PROTOCOL_ERROR, [request(1, { ':path': 'http://other.test/' })]],
    ['a path that is none', f.PROTOCOL_ERROR, [request(1, { ':path': 'a/b' })]],
    ['a path with a space', f.PROTOCOL_ERROR, [request(1, { ':path': '/ HTTP/1.1' })]],
    ['a method with a line end', f.PROTOCOL_ERROR, [request(1, { ':method': 'GET / HTTP/1.1\r\n\r\nGET' })]],
    ['an authority with a space', f.PROTOCOL_ERROR, [request(1, { ':authority': 'a b' })]],
    ['a status', f.PROTOCOL_ERROR, [request(1, { ':status': '200' })]],
    ['a protocol without CONNECT', f.PROTOCOL_ERROR, [request(1, { ':protocol': 'websocket' })]],
    ['CONNECT with a path', f.PROTOCOL_ERROR, [request(1, { ':method': 'CONNECT' })]],
    [
      'a pseudo-header field behind another one',
      f.PROTOCOL_ERROR,
      [block(5, ['a', 'b'], [':method', 'GET'], [':scheme', 'http'], [':path', '/'])],
    ],
    [
      'a pseudo-header field twice',
      f.PROTOCOL_ERROR,
      [block(5, [':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':path', '/b'])],
    ],
    ['a name in capitals', f.PROTOCOL_ERROR, [request(1, { 'X-A': 'b' })]],
    ['a value with a line end', f.PROTOCOL_ERROR, [request(1, { 'x-a': 'b\r\ntransfer-encoding: chunked' })]],
    ['Transfer-Encoding', f.PROTOCOL_ERROR, [request(1, { 'transfer-encoding': 'chunked' })]],
    ['TE that is not trailers', f.PROTOCOL_ERROR, [request(1, { te: 'gzip' })]],
    [
      'two lengths',
      f.PROTOCOL_ERROR,
      [
        block(
          4,
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/'],
          ['content-length', '1'],
          ['content-length', '1'],
        ),
      ],
    ],
    ['a length without a body', f.PROTOCOL_ERROR, [request(1, { 'content-length': '5' })]],
    ['a body that is longer than was said', f.PROTOCOL_ERROR, [post('3'), data(f.END_STREAM, 'hello')]],
    ['a body that is shorter than was said', f.PROTOCOL_ERROR, [post('7'), data(f.END_STREAM, 'hello')]],
    ['a second head', f.PROTOCOL_ERROR, [post(), request(1)]],
    ['trailers that are not the end', f.PROTOCOL_ERROR, [post(), block(4, ['a', 'b'])]],
    ['trailers with a pseudo-header field', f.PROTOCOL_ERROR, [post(), block(5, [':path', '/'])]],
    ['a body behind its end', f.STREAM_CLOSED, [post(), data(f.END_STREAM, 'a'), data(0, 'b')]],
    ['no more room', f.PROTOCOL_ERROR, [post(), frame(f.WINDOW_UPDATE, 0, 1, number(0))]],
    [
      'more room than there can be',
      f.FLOW_CONTROL_ERROR,
      [post(), frame(f.WINDOW_UPDATE, 0, 1, number(2 ** 31 - 1))],
    ],
  ])('resets it, and the others go on: %s', async (_, code, sent) => {
    const { client, given } = await begin();
    client.say(...sent, request(3));
    expect((await client.next(f.RST_STREAM, 1)).payload.readUInt32BE()).toBe(code);
    expect((await client.next(f.HEADERS, 3)).text).toMatch(/^200 /);
    client.socket.destroy();
    while (given.server.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(given.counts.overall()).toMatchObject({ openConnections: 0, inFlight: 0 });
  });

  it('passes over what comes of one that was reset, in flight meanwhile', async () => {
    const { client } = await begin();
    client.say(post('1'), data(0, 'too much'), data(0, 'and more'), block(5, ['x', 'y']), request(3));
    expect((await client.next(f.HEADERS, 3)).text).toMatch(/^200 /);
    expect(client.frames.filter(({ type }) => type === f.RST_STREAM)).toHaveLength(1);
  });

  it('refuses streams beyond those that it takes at a time', async () => {
    const given = await proxy([await http1Instance(() => {})]);
    const client = RawClient.begin(given.plain);
    client.say(...Array.from({ length: 129 }, (_, i) => request(2 * i + 1)));
    expect((await client.next(f.RST_STREAM, 257)).payload.readUInt32BE()).toBe(f.REFUSED_STREAM);
    await client.settled();
    expect(client.frames.filter(({ type }) => type === f.RST_STREAM)).toHaveLength(1);
  });
});

describe('a request', () => {
  it('may leave the authority empty when it names a host', async () => {
    const given = await proxy([await http1Instance((asked, response) => response.end(asked.headers.host))]);
    const client = RawClient.begin(given.plain);
    client.say(request(1, { ':authority': '', host: 'y.test' }));
    await client.next(f.HEADERS, 1);
    await client.until(() => client.body(1).toString() === 'y.test');
  });

  it('is told to have come by HTTP/2', async () => {
    const given = await proxy([
      await http1Instance(({ headers: { via, forwarded } }, response) => response.end(`${via} ${forwarded}`)),
    ]);
    const client = RawClient.begin(given.plain);
    client.say(request(1));
    await client.until(() => client.frames.some((one) => one.type === f.DATA && one.flags === f.END_STREAM));
    expect(client.body(1).toString()).toMatch(/^2\.0 muster .*httpproto=http\/2\.0/);
  });

  it('for a head alone has no body in its answer, also when it is refused', async () => {
    const given = await proxy([await hello()], { limits: { maxLine: 80 } });
    const client = RawClient.begin(given.plain);
    client.say(
      request(1, { ':method': 'HEAD' }),
      request(3, { ':method': 'HEAD', ':path': `/${'x'.repeat(100)}` }),
    );
    for (const [stream, status] of [
      [1, 200],
      [3, 414],
    ] as const) {
      const { flags, text } = await client.next(f.HEADERS, stream);
      expect(text.slice(0, 3)).toBe(String(status));
      expect(flags & f.END_STREAM).toBe(f.END_STREAM);
    }
  });

  it('for a WebSocket that is refused leaves its place to others', async () => {
    const given = await proxy([await http1Instance((_, response) => response.writeHead(403).end('no'))]);
    const client = RawClient.begin(given.plain);
    const socket = (id: number) =>
      request(id, { ':method': 'CONNECT', ':protocol': 'websocket', 'sec-websocket-version': '13' }, true);
    for (let id = 1; id < 2 * 200; id += 2) {
      client.say(
        socket(id),
        frame(f.DATA, 0, id, Buffer.from('GET /smuggled HTTP/1.1\r\nHost: x.test\r\n\r\n')),
      );
      expect((await client.next(f.HEADERS, id)).text).toMatch(/^403 /);
      if (id % 4 === 1) client.say(frame(f.DATA, f.END_STREAM, id));
      await client.settled();
    }
    expect(given.counts.overall().requests).toBe(200);
    expect(
      client.frames.filter(({ type, payload }) => type === f.RST_STREAM && payload.readUInt32BE() !== 0),
    ).toEqual([]);
  });
});

describe('windows', () => {
  const SIZE = 200_000;
  const body = Buffer.from(Array.from({ length: SIZE }, (_, i) => i % 251));
  const large = () =>
    http1Instance((asked, response) => {
      if (asked.url === '/chunks') response.write(body.subarray(0, 1));
      response.end(body.subarray(asked.url === '/chunks' ? 1 : 0));
    });
  const firstWindow = (size: number) =>
    frame(f.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, f.INITIAL_WINDOW_SIZE]), number(size)]));

  it('are kept to, whatever the client opens or closes when', async () => {
    const given = await proxy([await large()]);
    const step = fc.tuple(
      fc.constantFrom('connection', 'stream', 'settings'),
      fc.integer({ min: 1, max: 60_000 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.nat(70_000),
        fc.array(step, { maxLength: 8 }),
        async (inChunks, start, steps) => {
          const client = RawClient.begin(given.plain, [f.INITIAL_WINDOW_SIZE, start]);
          client.say(request(1, { ':path': inChunks ? '/chunks' : '/' }));
          await client.next(f.HEADERS, 1);
          let [ofConnection, ofStream, first, sent] = [65_535, start, start, 0];
          for (const [what, size] of steps) {
            sent = Math.max(sent, Math.min(SIZE, ofConnection, ofStream));
            await client.until(() => client.body(1).length >= sent);
            await client.settled();
            expect(client.body(1).length).toBe(sent);
            if (what === 'settings') {
              ofStream += size - first;
              first = size;
              client.say(firstWindow(size));
              continue;
            }
            if (what === 'stream') ofStream += size;
            else ofConnection += size;
            client.say(frame(f.WINDOW_UPDATE, 0, what === 'stream' ? 1 : 0, number(size)));
          }
          for (const stream of [0, 1]) client.say(frame(f.WINDOW_UPDATE, 0, stream, number(2 * SIZE)));
          await client.until(() =>
            client.frames.some((one) => one.type === f.DATA && one.flags === f.END_STREAM),
          );
          expect(client.body(1).equals(body)).toBe(true);
          client.socket.destroy();
        },
      ),
      { numRuns: 15 },
    );
  });

  it('may become smaller than what is on its way', async () => {
    const given = await proxy([await large()]);
    const client = RawClient.begin(given.plain, [f.INITIAL_WINDOW_SIZE, 10_000]);
    client.say(request(1));
    await client.until(() => client.body(1).length === 10_000);
    client.say(firstWindow(0), frame(f.WINDOW_UPDATE, 0, 1, number(10_000)));
    await client.settled();
    expect(client.body(1)).toHaveLength(10_000);
    client.say(frame(f.WINDOW_UPDATE, 0, 1, number(5)));
    await client.until(() => client.body(1).length === 10_005);
  });

  it('below zero let an end pass, and nothing else', async () => {
    let end = () => {};
    const given = await proxy([
      await http1Instance((_, response) => {
        response.write(Buffer.alloc(20_000, 'a'));
        end = () => response.end();
      }),
    ]);
    const client = RawClient.begin(given.plain);
    client.say(request(1));
    await client.until(() => client.body(1).length === 20_000);
    client.say(firstWindow(0));
    await client.settled();
    end();
    await client.until(() => client.frames.some((one) => one.type === f.DATA && one.flags === f.END_STREAM));
    client.say(firstWindow(100_000));
    await client.settled();
    expect(client.body(1).equals(Buffer.alloc(20_000, 'a'))).toBe(true);
  });

  it('of a stream whose instance reads nothing hold the client back, and others go on', async () => {
    let read: () => void = () => {};
    const received: Buffer[] = [];
    const target = await http1Instance((asked, response) => {
      if (asked.url !== '/held') {
        response.end('hello');
        return;
      }
      read = () =>
        asked.on('data', (piece: Buffer) => received.push(piece)).on('end', () => response.end('read'));
    });
    const given = await proxy([target]);
    const client = RawClient.begin(given.plain);
    client.say(request(1, { ':method': 'POST', ':path': '/held' }, true));
    // The window, and as much again as there is room for on the way to the instance.
    const piece = Buffer.alloc(16_384, 'x');
    let [window, sent] = [262_144, 0];
    let seen = 0;
    const widen = () => {
      for (; seen < client.frames.length; seen++) {
        const { type, stream, payload } = client.frames[seen]!;
        if (type === f.WINDOW_UPDATE && stream === 1) window += payload.readUInt32BE();
      }
    };
    for (let quiet = 0; quiet < 5; ) {
      while (sent + piece.length <= window) {
        client.say(frame(f.DATA, 0, 1, piece));
        sent += piece.length;
      }
      await client.settled();
      const before = window;
      widen();
      quiet = window === before ? quiet + 1 : 0;
    }
    client.say(request(3));
    expect((await client.next(f.HEADERS, 3)).text).toMatch(/^200 /);
    read();
    client.say(frame(f.DATA, f.END_STREAM, 1));
    expect((await client.next(f.HEADERS, 1)).text).toMatch(/^200 /);
    expect(Buffer.concat(received)).toHaveLength(sent);
  });
});
