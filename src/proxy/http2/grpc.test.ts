import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Target } from '../../balance/balancer.ts';
import { freshState } from '../../balance/ejection.ts';
import type { RouteTable } from '../../route/table.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import { ProxyServer } from '../net/server.ts';
import type { ProxySettings } from '../settings.ts';
import { readCertificate } from '../tls/certificate.ts';
import { Authority } from '../tls/fixtures.ts';
import { Keyring } from '../tls/keyring.ts';
import { DEFAULT_TLS } from '../tls/spec.ts';
import { ChunkReader } from './chunk-reader.ts';
import { grpcMessageOf } from './grpc.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const text = {
  requestSerialize: Buffer.from,
  requestDeserialize: String,
  responseSerialize: Buffer.from,
  responseDeserialize: String,
};
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  ...text,
});
const ECHO = {
  unary: method('unary', false, false),
  many: method('many', false, true),
  collect: method('collect', true, false),
  chat: method('chat', true, true),
  silent: method('silent', false, false),
} satisfies grpc.ServiceDefinition;

/** A real gRPC server. */
async function instance(name: string): Promise<Target> {
  const server = new grpc.Server();
  server.addService(ECHO, {
    unary(call: grpc.ServerUnaryCall<string, string>, callback: grpc.sendUnaryData<string>) {
      if (call.request === 'fail') {
        callback({ code: grpc.status.FAILED_PRECONDITION, details: 'nicht möglich, 100 %' });
        return;
      }
      const trailer = new grpc.Metadata();
      trailer.set('x-trailer-bin', Buffer.from([0, 255, 10, 13]));
      const header = new grpc.Metadata();
      header.set('x-seen', String(call.metadata.get('x-sent')[0] ?? ''));
      call.sendMetadata(header);
      callback(null, `${name}: ${call.request}`, trailer);
    },
    many(call: grpc.ServerWritableStream<string, string>) {
      for (let i = 0; i < Number(call.request); i++) call.write(`${i}`);
      call.end();
    },
    collect(call: grpc.ServerReadableStream<string, string>, callback: grpc.sendUnaryData<string>) {
      const words: string[] = [];
      call.on('data', (word) => words.push(word));
      call.on('end', () => callback(null, words.join(' ')));
    },
    chat(call: grpc.ServerDuplexStream<string, string>) {
      call.on('data', (word) => call.write(`${word}!`));
      call.on('end', () => call.end());
    },
    silent() {},
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  closers.push(() => server.forceShutdown());
  return { ...targetAt(port), options: { protocol: 'grpc' }, state: freshState(), id: name };
}

const Client = grpc.makeGenericClientConstructor(ECHO, 'Echo');
type Call = (argument: string, ...rest: unknown[]) => never;
type EchoClient = grpc.Client & {
  unary: (request: string, ...rest: unknown[]) => grpc.ClientUnaryCall;
  silent: (request: string, ...rest: unknown[]) => grpc.ClientUnaryCall;
  many: (request: string) => grpc.ClientReadableStream<string>;
  collect: (callback: grpc.requestCallback<string>) => grpc.ClientWritableStream<string>;
  chat: () => grpc.ClientDuplexStream<string, string>;
} & Record<string, Call>;

async function clientOf(
  routes: RouteTable,
  secure = false,
  settings: ProxySettings = {},
): Promise<EchoClient> {
  const keyring = new Keyring();
  const server = new ProxyServer({ routes, keyring });
  server.configure(settings);
  closers.push(() => server.stop());
  const place = { id: 'grpc', host: '127.0.0.1', port: 0, http2: true };
  let credentials = grpc.credentials.createInsecure();
  let port: number;
  if (secure) {
    const authority = new Authority();
    closers.push(() => authority.remove());
    const web = readCertificate({ place: 'web', ...authority.issue({ names: ['127.0.0.1'] }) });
    keyring.store('default').replace({ certificates: [web], clientCa: [] });
    credentials = grpc.credentials.createSsl(Buffer.from(authority.cert));
    ({ port } = await server.open({ ...place, protocol: 'https', tls: DEFAULT_TLS }));
  } else ({ port } = await server.open({ ...place, protocol: 'http' }));
  const client = new Client(`127.0.0.1:${port}`, credentials) as unknown as EchoClient;
  closers.push(() => client.close());
  return client;
}

interface Outcome {
  code: number;
  details: string;
  value: string | undefined;
  metadata: grpc.Metadata;
  trailer: grpc.Metadata;
}

function call(
  client: EchoClient,
  request: string,
  options: grpc.CallOptions = {},
  name: 'unary' | 'silent' = 'unary',
): Promise<Outcome> {
  return new Promise((resolve) => {
    const sent = new grpc.Metadata();
    sent.set('x-sent', 'hello');
    let metadata = new grpc.Metadata();
    let answer: string | undefined;
    client[name](request, sent, options, (_: unknown, value: string | undefined) => {
      answer = value;
    })
      .on('metadata', (given) => {
        metadata = given;
      })
      .on('status', ({ code, details, metadata: trailer }) =>
        setImmediate(() => resolve({ code, details, value: answer, metadata, trailer })),
      );
  });
}

describe.each([
  ['in clear text', false],
  ['over TLS', true],
] as const)('gRPC %s', (_, secure) => {
  it('carries unary calls with metadata, trailers and errors', async () => {
    const client = await clientOf(routeTo([await instance('a')]), secure);
    const good = await call(client, 'hi');
    expect(good).toMatchObject({ code: 0, value: 'a: hi' });
    expect(good.metadata.get('x-seen')).toEqual(['hello']);
    expect(good.trailer.get('x-trailer-bin')).toEqual([Buffer.from([0, 255, 10, 13])]);
    expect(await call(client, 'fail')).toMatchObject({
      code: grpc.status.FAILED_PRECONDITION,
      details: 'nicht möglich, 100 %',
    });
  });

  it('carries streams in each direction and both', async () => {
    const client = await clientOf(routeTo([await instance('a')]), secure);
    const many: string[] = [];
    for await (const word of client.many('500')) many.push(word as string);
    expect(many).toEqual(Array.from({ length: 500 }, (_, i) => `${i}`));
    const collected = await new Promise((resolve) => {
      const stream = client.collect((_error, value) => resolve(value));
      for (const word of ['a', 'b', 'c']) stream.write(word);
      stream.end();
    });
    expect(collected).toBe('a b c');
    const chat = client.chat();
    for (const word of ['one', 'two', 'three']) {
      chat.write(word);
      expect((await once(chat, 'data'))[0]).toBe(`${word}!`);
    }
    chat.end();
    await once(chat.resume(), 'end');
  });
});

describe('gRPC', () => {
  it('balances calls of one connection over the instances', async () => {
    const targets = [await instance('a'), await instance('b')];
    let turn = 0;
    const { route } = routeTo(targets);
    const balancer = {
      next: (tried: readonly Target[]) => (tried.length > 0 ? undefined : targets[turn++ % 2]),
    };
    const client = await clientOf({ ...routeTo(targets), match: () => ({ ...route, balancer }) });
    const values = [];
    for (let i = 0; i < 6; i++) values.push((await call(client, 'x')).value);
    expect(values).toEqual(['a: x', 'b: x', 'a: x', 'b: x', 'a: x', 'b: x']);
  });

  it('keeps deadlines', async () => {
    const target = await instance('a');
    const client = await clientOf(routeTo([target]));
    const { code } = await call(client, 'x', { deadline: Date.now() + 100 }, 'silent');
    expect(code).toBe(grpc.status.DEADLINE_EXCEEDED);
    while (target.state.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('says what is wrong in its own words', async () => {
    const none: RouteTable = { ...routeTo([]), match: () => undefined };
    const noRoute = await call(await clientOf(none), 'x');
    expect(noRoute).toMatchObject({
      code: grpc.status.NOT_FOUND,
      details: expect.stringMatching(/no route leads/),
    });
    const paged = await clientOf(none, false, { noRoute: { status: 503, html: '<b>none</b>' } });
    expect(await call(paged, 'x')).toMatchObject({ code: noRoute.code, details: noRoute.details });
    const noInstance = await call(await clientOf(routeTo([])), 'x');
    expect(noInstance).toMatchObject({
      code: grpc.status.UNAVAILABLE,
      details: expect.stringMatching(/no healthy instance/),
    });
    const dead: Target = { ...targetAt(1), options: { protocol: 'grpc' } };
    expect(await call(await clientOf(routeTo([dead])), 'x')).toMatchObject({
      code: grpc.status.UNAVAILABLE,
      details: expect.stringMatching(/refuse connections/),
    });
  });
});

it('encodes any message so that it can be decoded', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (message) => {
      const encoded = grpcMessageOf(message);
      expect(encoded).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeURIComponent(encoded)).toBe(new TextDecoder().decode(new TextEncoder().encode(message)));
    }),
  );
});

it('takes chunks apart however they are cut', () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 5 }),
      fc.boolean(),
      fc.array(fc.nat(200), { maxLength: 8 }),
      (chunks, hasTrailer, cuts) => {
        const parts = chunks.flatMap((one) => [
          Buffer.from(`${one.length.toString(16)};x=1\r\n`),
          Buffer.from(one),
          Buffer.from('\r\n'),
        ]);
        const trailer = hasTrailer ? 'X-End: a b\r\nX-Two: 2\r\n' : '';
        const whole = Buffer.concat([...parts, Buffer.from(`0\r\n${trailer}\r\n`)]);
        const reader = new ChunkReader();
        const got: Buffer[] = [];
        const places = [...cuts.filter((at) => at < whole.length), whole.length].sort((a, b) => a - b);
        let from = 0;
        for (const to of places) {
          reader.read(whole, from, to, (start, end) => got.push(Buffer.from(whole.subarray(start, end))));
          from = to;
        }
        expect(reader.done).toBe(true);
        expect(Buffer.concat(got)).toEqual(Buffer.concat(chunks));
        expect(reader.trailers()).toEqual(
          hasTrailer
            ? [
                ['x-end', 'a b'],
                ['x-two', '2'],
              ]
            : [],
        );
      },
    ),
  );
});
