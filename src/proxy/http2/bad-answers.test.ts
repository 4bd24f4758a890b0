/** Instances that speak HTTP/2 and do it wrong: each mistake costs its own request, as an error of the instance, and nothing else. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../balance/balancer.ts';
import { targetAt } from '../fixtures.ts';
import * as f from './frames.ts';
import { closers, proxy } from './http2.test-support.ts';
import { PREFACE_LENGTH } from './preface.ts';
import { fields, frame, number, RawClient, request } from './raw-client.test-support.ts';

/** One that hears of all frames but bodies and settings, and says what it is told to. */
async function instanceThat(
  on: (socket: Socket, type: number, stream: number) => void,
  settings: readonly Buffer[] = [frame(f.SETTINGS, 0, 0)],
): Promise<Target & { dialled(): number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let preface = PREFACE_LENGTH;
    const reader = new f.FrameReader({
      isOver: false,
      dataBegins() {},
      data() {},
      dataEnds() {},
      frame(type, flags, stream) {
        if (type === f.SETTINGS && flags === 0) socket.write(frame(f.SETTINGS, f.ACK, 0));
        else if (type !== f.SETTINGS) on(socket, type, stream);
      },
      broken(code) {
        throw new Error(`the proxy broke the protocol (${code})`);
      },
    });
    for (const one of settings) socket.write(one);
    socket.on('data', (bytes) => {
      const skipped = Math.min(preface, bytes.length);
      preface -= skipped;
      reader.read(bytes, skipped, bytes.length);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const target = targetAt((server.address() as { port: number }).port);
  return { ...target, options: { protocol: 'grpc' }, dialled: () => sockets.size };
}

/** One that answers the first request with what is given, as a function of its number, and others with "fine". `isGone`: then it closes. */
function instance(answer: (stream: number) => readonly Buffer[], isGone = false) {
  let asked = 0;
  return instanceThat((socket, type, stream) => {
    if (type !== f.HEADERS) return;
    const isFirst = asked++ === 0;
    socket.write(Buffer.concat(isFirst ? answer(stream) : fine(stream)));
    if (isFirst && isGone) socket.end();
  });
}

const fine = (stream: number) => [head(stream), data(stream, f.END_STREAM, 'fine')];
const head = (stream: number, ...more: [string, string][]) =>
  frame(f.HEADERS, f.END_HEADERS, stream, fields([':status', '200'], ...more));
const data = (stream: number, flags: number, text: string) => frame(f.DATA, flags, stream, Buffer.from(text));

describe('an instance that answers wrongly', () => {
  it.each<[string, (stream: number) => Buffer[]]>([
    ['with a body and no head', (id) => [data(id, f.END_STREAM, 'hello')]],
    ['with no status', (id) => [frame(f.HEADERS, 5, id, fields(['a', 'b']))]],
    ['with a status that is none', (id) => [frame(f.HEADERS, 5, id, fields([':status', 'ok']))]],
    ['with a path', (id) => [frame(f.HEADERS, 5, id, fields([':status', '200'], [':path', '/']))]],
    ['with 101', (id) => [frame(f.HEADERS, 4, id, fields([':status', '101']))]],
    ['with an interim answer that is the end', (id) => [frame(f.HEADERS, 5, id, fields([':status', '103']))]],
    ['with Connection', (id) => [head(id, ['connection', 'close'])]],
    ['with a line end in a field', (id) => [head(id, ['a', 'b\r\nset-cookie: c'])]],
    [
      'with a length and no body',
      (id) => [frame(f.HEADERS, 5, id, fields([':status', '200'], ['content-length', '3']))],
    ],
    [
      'with a head that is too large',
      (id) => [
        frame(
          f.HEADERS,
          1,
          id,
          Buffer.concat([
            fields([':status', '200']),
            Buffer.from([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e]),
            Buffer.alloc(4_000, 'x'),
          ]),
        ),
        frame(f.CONTINUATION, 4, id, Buffer.alloc(16_000, 0xbe)),
      ],
    ],
    ['by a reset', (id) => [frame(f.RST_STREAM, 0, id, number(f.INTERNAL_ERROR))]],
    ['for a stream that nobody began', (id) => [frame(f.HEADERS, 5, id + 2, fields([':status', '200']))]],
    ['with a push', (id) => [frame(f.PUSH_PROMISE, 4, id, number(2))]],
    ['with a header block that is none', (id) => [frame(f.HEADERS, 5, id, Buffer.from([0x80]))]],
  ])('%s is in error, and the next request is served', async (_, answer) => {
    const target = await instance(answer);
    const { plain, counts } = await proxy([target]);
    // Of what has an effect nothing is repeated.
    const first = await fetch(`http://127.0.0.1:${plain}/`, { method: 'POST', body: 'x' });
    expect(first.status).toBe(502);
    await first.text();
    expect(await (await fetch(`http://127.0.0.1:${plain}/`)).text()).toBe('fine');
    expect(target.state.inFlight).toBe(0);
    expect(counts.overall().inFlight).toBe(0);
  });

  it.each<[string, (stream: number) => Buffer[]]>([
    ['longer than was said', (id) => [head(id, ['content-length', '3']), data(id, f.END_STREAM, 'hello')]],
    ['shorter than was said', (id) => [head(id, ['content-length', '9']), data(id, f.END_STREAM, 'hello')]],
    ['in a frame that is too long', (id) => [head(id), data(id, 0, 'x'.repeat(16_385))]],
    ['cut off by a reset', (id) => [head(id), data(id, 0, 'hel'), frame(f.RST_STREAM, 0, id, number(2))]],
    ['followed by a head', (id) => [head(id), data(id, 0, 'hello'), head(id)]],
    [
      'with the status behind it',
      (id) => [head(id), data(id, 0, 'hello'), frame(f.HEADERS, 5, id, fields([':status', '200']))],
    ],
  ])('with a body %s does not look whole', async (_, answer) => {
    const target = await instance(answer);
    const { plain } = await proxy([target]);
    const response = await fetch(`http://127.0.0.1:${plain}/`, { method: 'POST', body: 'x' }).catch(
      () => undefined,
    );
    await expect(
      response === undefined || response.status >= 500 ? Promise.reject(new Error()) : response.text(),
    ).rejects.toThrow();
    expect(await (await fetch(`http://127.0.0.1:${plain}/`)).text()).toBe('fine');
    expect(target.state.inFlight).toBe(0);
  });

  it('goes on over its connection where only a stream is concerned', async () => {
    const target = await instance((id) => [head(id, ['connection', 'close'])]);
    const { plain } = await proxy([target]);
    for (let i = 0; i < 3; i++)
      await (await fetch(`http://127.0.0.1:${plain}/`, { method: 'POST', body: 'x' })).text();
    expect(target.dialled()).toBe(1);
  });
});

describe('a whole answer', () => {
  const BODY = 200_000;
  const whole = (id: number) => [
    head(id),
    ...Array.from({ length: BODY / 10_000 }, (_, i) =>
      data(id, i === BODY / 10_000 - 1 ? f.END_STREAM : 0, 'x'.repeat(10_000)),
    ),
  ];

  it.each<[string, (id: number) => Buffer[], boolean]>([
    ['takes its request back', (id) => [frame(f.RST_STREAM, 0, id, number(f.NO_ERROR))], false],
    [
      'takes no more',
      (id) => [frame(f.GOAWAY, 0, 0, Buffer.concat([number(id), number(f.NO_ERROR)]))],
      false,
    ],
    ['is gone', () => [], true],
  ])('comes to a slow client, though its instance then %s', async (_, then, isGone) => {
    const target = await instance((id) => [...whole(id), ...then(id)], isGone);
    const { plain, counts } = await proxy([target]);
    const client = RawClient.begin(plain, [f.INITIAL_WINDOW_SIZE, 20_000]);
    client.say(request(1, { ':method': 'POST' }, true));
    await client.until(() => client.body(1).length === 20_000);
    // What the instance did next has been heard of.
    expect(await (await fetch(`http://127.0.0.1:${plain}/`)).text()).toBe('fine');
    for (const stream of [0, 1]) client.say(frame(f.WINDOW_UPDATE, 0, stream, number(BODY)));
    await client.until(() => client.frames.some((one) => one.type === f.DATA && one.flags === f.END_STREAM));
    expect(client.body(1)).toHaveLength(BODY);
    client.say(frame(f.DATA, f.END_STREAM, 1));
    client.socket.destroy();
    while (counts.overall().inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(target.state.inFlight).toBe(0);
  });
});

it.each<[string, (id: number) => Buffer]>([
  ['refuses it', (id) => frame(f.RST_STREAM, 0, id, number(f.REFUSED_STREAM))],
  ['says goodbye', () => frame(f.GOAWAY, 0, 0, Buffer.alloc(8))],
])('asks the only instance again that %s, the first request of its connection', async (_, instead) => {
  const target = await instance((id) => [instead(id)]);
  const { plain } = await proxy([target], { limits: { retryShare: 0 } });
  const response = await fetch(`http://127.0.0.1:${plain}/`, { method: 'POST', body: 'x' });
  expect(await response.text()).toBe('fine');
  expect(target.dialled()).toBe(2);
  expect(target.state.inFlight).toBe(0);
});

it('asks an instance for no more than 100 things at a time before it says how many it takes', async () => {
  const asked = new Map<Socket, number>();
  const target = await instanceThat((socket, type) => {
    if (type === f.HEADERS) asked.set(socket, (asked.get(socket) ?? 0) + 1);
  }, []);
  const { plain } = await proxy([target]);
  for (const count of [100, 50]) {
    const client = RawClient.begin(plain);
    client.say(...Array.from({ length: count }, (_, i) => request(2 * i + 1)));
    await client.settled();
  }
  const sum = () => [...asked.values()].reduce((all, one) => all + one, 0);
  while (sum() < 150) await new Promise((resolve) => setTimeout(resolve, 5));
  expect([...asked.values()].sort()).toEqual([100, 50]);
});

it('asks a silent instance twice whether it is there, however many of its requests are given up', async () => {
  let reset = 0;
  let pings = 0;
  const target = await instanceThat((socket, type, id) => {
    if (type === f.RST_STREAM) reset++;
    if (type !== f.PING) return;
    pings++;
    socket.write(frame(f.PING, f.ACK, id, Buffer.alloc(8)));
  });
  const { plain } = await proxy([target]);
  for (let i = 1; i <= 20; i++) {
    const client = RawClient.begin(plain);
    client.say(request(1));
    while (target.state.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    client.socket.destroy();
    while (reset < i) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(pings).toBe(2);
  expect(target.dialled()).toBe(1);
});

it('lets an instance answer however many requests that were given up meanwhile', async () => {
  const givenUp: number[] = [];
  let first: number | undefined;
  const target = await instanceThat((socket, type, stream) => {
    if (type === f.HEADERS) first ??= stream;
    else if (type === f.RST_STREAM) givenUp.push(stream);
    // What was on its way when it heard of them.
    if (givenUp.length === 200 && type === f.RST_STREAM)
      socket.write(Buffer.concat([...givenUp.flatMap(fine), ...fine(first!)]));
  });
  const { plain } = await proxy([target]);
  const patient = RawClient.begin(plain);
  patient.say(request(1));
  while (first === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  for (let i = 0; i < 2; i++) {
    const client = RawClient.begin(plain);
    client.say(...Array.from({ length: 100 }, (_, i) => request(2 * i + 1)));
    await client.settled();
    while (target.state.inFlight < 101) await new Promise((resolve) => setTimeout(resolve, 5));
    client.socket.destroy();
    while (target.state.inFlight > 1) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect((await patient.next(f.HEADERS, 1)).text).toMatch(/^200 /);
  expect(target.dialled()).toBe(1);
});
