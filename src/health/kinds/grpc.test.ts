import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type CheckSpec, EMPTY_SPEC } from '../spec.ts';
import { grpc } from './grpc.ts';
import { CERTIFICATE, KEY } from './test-certificate.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function listen(server: Server | Http2Server | Http2SecureServer): Promise<number> {
  const sessions = new Set<{ destroy(): void }>();
  (server as Http2Server).on('session', (session: ServerHttp2Session) => sessions.add(session));
  server.on('connection', (socket: { destroy(): void }) => sessions.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(async () => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

type Answer = (stream: ServerHttp2Stream, service: string, headers: Record<string, unknown>) => void;

function onCall(server: Http2Server | Http2SecureServer, answer: Answer): Promise<number> {
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => answer(stream, Buffer.concat(chunks).subarray(7).toString(), headers));
  });
  return listen(server);
}

const serve = (answer: Answer) => onCall(createServer(), answer);

/** An answer with a message and a status behind it. */
function reply(
  stream: ServerHttp2Stream,
  message: readonly number[],
  trailers: Record<string, string>,
): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(Buffer.from(message));
}

const serving = (stream: ServerHttp2Stream, status: number) =>
  reply(stream, [0, 0, 0, 0, 2, 8, status], { 'grpc-status': '0' });

function probe(target: string, fields: Partial<CheckSpec> = {}, signal = new AbortController().signal) {
  const spec = { ...EMPTY_SPEC, grpc: target, interval: 1000, timeout: 5000, ...fields };
  return grpc.probe(spec, { signal, outputMaxSize: 4096 });
}

describe('grpc check', () => {
  it('passes while the service is serving', async () => {
    let seen: Record<string, unknown> = {};
    const port = await serve((stream, service, headers) => {
      seen = { ...headers, service };
      serving(stream, 1);
    });
    expect(await probe(`127.0.0.1:${port}/shop.Cart`)).toEqual({
      status: 'passing',
      output: `gRPC check 127.0.0.1:${port}/shop.Cart: success`,
    });
    expect(seen).toMatchObject({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '5000m',
      service: 'shop.Cart',
    });
    expect(await probe(`127.0.0.1:${port}`)).toMatchObject({ status: 'passing' });
    expect(seen.service).toBe('');
  });

  it.each([
    [0, 'UNKNOWN'],
    [2, 'NOT_SERVING'],
    [3, 'SERVICE_UNKNOWN'],
    [9, '9'],
  ])('is critical for the status %d (%s)', async (status, name) => {
    const port = await serve((stream) => serving(stream, status));
    expect(await probe(`127.0.0.1:${port}/s`)).toEqual({
      status: 'critical',
      output: `gRPC 127.0.0.1:${port}/s serving status: ${name}`,
    });
  });

  it('tells the error of the call', async () => {
    const port = await serve((stream) =>
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': '5',
          'grpc-message': 'unknown service %E2%82%AC',
        },
        { endStream: true },
      ),
    );
    expect(await probe(`127.0.0.1:${port}/s`)).toEqual({
      status: 'critical',
      output: 'rpc error: code = NotFound desc = unknown service €',
    });
    const behind = await serve((stream) => reply(stream, [], { 'grpc-status': '99', 'grpc-message': '%' }));
    expect((await probe(`127.0.0.1:${behind}`)).output).toBe('rpc error: code = Code(99) desc = %');
  });

  it.each<[string, Answer, string]>([
    ['no gRPC', (stream) => stream.respond({ ':status': 404 }, { endStream: true }), 'code = Unimplemented'],
    [
      'a page',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end('<html>');
      },
      'code = Unknown desc = HTTP status code 200; received the content-type "text/html"',
    ],
    [
      'no status at the end',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.end();
      },
      'without sending trailers',
    ],
    ['nonsense', (stream) => reply(stream, [0, 0, 0, 0, 9, 1], { 'grpc-status': '0' }), 'code = Internal'],
    ['a reset', (stream) => stream.close(7), 'code = Unavailable'],
    [
      'a response without end',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        const more = () => {
          while (!stream.destroyed && stream.write(Buffer.alloc(16_384)));
        };
        stream.on('drain', more);
        more();
      },
      'code = ResourceExhausted',
    ],
  ])('is critical for %s', async (_what, answer, words) => {
    const port = await serve(answer);
    const { status, output } = await probe(`127.0.0.1:${port}`);
    expect(status).toBe('critical');
    expect(output).toContain(words);
  });

  it('is critical when nobody listens, or somebody who speaks something else', async () => {
    const port = await serve(() => {});
    await stops.pop()?.();
    expect(await probe(`127.0.0.1:${port}`)).toEqual({
      status: 'critical',
      output: `rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial tcp 127.0.0.1:${port}: connect: connection refused"`,
    });
    const other = await listen(createTcpServer((socket) => socket.end('SSH-2.0-no\r\n')));
    const { status, output } = await probe(`127.0.0.1:${other}`);
    expect(status).toBe('critical');
    expect(output).toMatch(/^rpc error: code = Unavailable/);
    expect((await probe('nowhere')).output).toContain('missing port in address');
  });

  it('is critical when nobody answers in time, and ends when it is taken away', async () => {
    const port = await serve(() => {});
    expect(await probe(`127.0.0.1:${port}`, { timeout: 50 })).toEqual({
      status: 'critical',
      output: 'rpc error: code = DeadlineExceeded desc = context deadline exceeded',
    });
    const mute = await listen(createTcpServer());
    expect((await probe(`127.0.0.1:${mute}`, { timeout: 50 })).output).toContain('DeadlineExceeded');
    const end = new AbortController();
    const running = probe(`127.0.0.1:${port}`, { timeout: 60_000 }, end.signal);
    end.abort();
    expect((await running).status).toBe('critical');
  });

  it('wants a certificate that it can verify, unless told otherwise', async () => {
    const server = createSecureServer({ key: KEY, cert: CERTIFICATE });
    let name: unknown;
    server.on('secureConnection', (socket) => {
      name = socket.servername;
    });
    const port = await onCall(server, (stream) => serving(stream, 1));
    const target = `127.0.0.1:${port}`;
    const refused = await probe(target, { grpcUseTls: true });
    expect(refused.status).toBe('critical');
    expect(refused.output).toContain('certificate');
    const fields = { grpcUseTls: true, tlsSkipVerify: true, tlsServerName: 'check.test' };
    expect((await probe(target, fields)).status).toBe('passing');
    expect(name).toBe('check.test');
    expect((await probe(target)).status).toBe('critical');
  });
});
