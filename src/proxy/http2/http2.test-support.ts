/** For tests: a proxy that speaks HTTP/2 on both sides, clients of it, and instances of either version. */
import { once } from 'node:events';
import http from 'node:http';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { afterAll, afterEach } from 'vitest';
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
export const web = authority.issue({ names: ['web.test'] });

export const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export interface Http2Proxy {
  readonly server: ProxyServer;
  readonly plain: number;
  readonly secure: number;
  readonly counts: CounterReader;
}

export async function proxy(
  targets: readonly Target[],
  options: Partial<ProxyServerOptions> = {},
): Promise<Http2Proxy> {
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

export function client(
  { plain, secure }: Http2Proxy,
  over: 'clear text' | 'TLS' = 'TLS',
): ClientHttp2Session {
  const session =
    over === 'TLS'
      ? http2.connect(`https://127.0.0.1:${secure}`, { servername: 'web.test', ca: authority.cert })
      : http2.connect(`http://127.0.0.1:${plain}`);
  session.on('error', () => {});
  closers.push(() => session.destroy());
  return session;
}

export interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  /** The same, as they came. */
  lines: string[];
  trailers: IncomingHttpHeaders | undefined;
  body: string;
  rst: number;
}

export async function ask(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]> = {},
  body?: string | Buffer,
): Promise<Answer> {
  const stream = session.request(
    { ':path': '/', ':authority': 'x.test', ...headers },
    { endStream: body === undefined },
  );
  const answer: Answer = { status: undefined, headers: {}, lines: [], trailers: undefined, body: '', rst: 0 };
  stream.on('error', () => {});
  stream.on('response', (...[response, , raw]: [IncomingHttpHeaders, number, string[]?]) => {
    answer.status = Number(response[':status']);
    answer.headers = response;
    for (let i = 0; i < (raw?.length ?? 0); i += 2) answer.lines.push(`${raw![i]}: ${raw![i + 1]}`);
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
export async function http1Instance(handle: http.RequestListener, slot = 0): Promise<Target> {
  const server = http.createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return targetAt((server.address() as { port: number }).port, slot);
}

/** One that speaks HTTP/2. */
export async function http2Instance(
  handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  options: { secure?: boolean; slot?: number; settings?: http2.Settings } = {},
): Promise<Target & { connections: () => number; sessions: Set<http2.ServerHttp2Session> }> {
  const { secure = false, slot = 0, settings = {} } = options;
  const limits = { maxHeaderListPairs: 2_000, maxSessionMemory: 100 };
  const server = secure
    ? http2.createSecureServer({ ...web, ...limits, settings })
    : http2.createServer({ ...limits, settings });
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
export const echo = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
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
