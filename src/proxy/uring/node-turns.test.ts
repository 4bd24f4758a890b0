/**
 * What Node's sockets carry beside the ring is not left waiting for the tick: here that comes so seldom that a request which needs it
 * more than once is too late. In a worker of its own, as the loop blocks its thread.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2, { type ClientHttp2Session } from 'node:http2';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { TargetTls } from '../../balance/balancer.ts';
import { silentLogger } from '../../lib/log.ts';
import { type HandlingSpec, PLAIN_HANDLING } from '../../route/handling.ts';
import type { TargetSpec } from '../../route/spec.ts';
import { bundled } from '../bundles.test-support.ts';
import { routeSpec } from '../fixtures.ts';
import { ProxyFleet } from '../fleet.ts';
import type { ListenerSpec } from '../listener-spec.ts';
import { readCertificate } from '../tls/certificate.ts';
import { Authority } from '../tls/fixtures.ts';
import { DEFAULT_TLS } from '../tls/spec.ts';
import { OBSTACLE } from './fixtures.ts';

/** ms; what the kernel takes in an int of nanoseconds. */
const SELDOM = 2_000;
/** One after the other: a tick for each would be too much. */
const TIMES = 20;
/** ms for all of them. */
const PATIENCE = 30_000;
/** More than the buffers of a connection begin with, so that both directions are held back at times. */
const MUCH = Buffer.alloc(700_000, 'much ');

const authority = new Authority();
const pair = authority.issue({ names: ['web.test', '127.0.0.1'] });
const tls: TargetTls = { verify: true, ca: authority.cert, serverName: 'web.test' };

const programOf = bundled({ worker: 'src/proxy/worker.ts' }, [
  { name: 'seldom', setup: (builder) => builder.onLoad({ filter: /uring\/loop\.ts$/ }, seldom) },
]);

function seldom({ path }: { path: string }): { contents: string; loader: 'ts' } {
  const text = readFileSync(path, 'utf8');
  const contents = text.replace('const TICK = 50;', `const TICK = ${SELDOM};`);
  expect(contents).not.toBe(text);
  return { contents, loader: 'ts' };
}

afterAll(() => authority.remove());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Any server of Node's, on a free port. */
async function listening(server: http.Server | http2.Http2Server | ReturnType<typeof createServer>) {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  (server as ReturnType<typeof createServer>).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const answer = (request: NodeJS.ReadableStream, response: NodeJS.WritableStream) => {
  void buffer(request).then((body) => response.end(body.length === 0 ? MUCH : body));
};

/** Instances: what a request without a body gets is much, else its own body. */
const INSTANCES = {
  'in clear text': async () => ({ port: await listening(http.createServer(answer)) }),
  'behind TLS': async () => ({ tls, port: await listening(https.createServer(pair, answer)) }),
  'behind TLS, each time anew': async () => {
    const server = https.createServer(pair, (request, response) => {
      response.shouldKeepAlive = false;
      answer(request, response);
    });
    return { tls, port: await listening(server) };
  },
  'of HTTP/2': async () => ({
    options: { protocol: 'http2' as const },
    port: await listening(http2.createServer(answer as never)),
  }),
} satisfies Record<string, () => Promise<Partial<TargetSpec>>>;

const place = { host: '127.0.0.1', port: 0 };
const PLAIN: ListenerSpec = { ...place, id: 'plain', protocol: 'http' };
const SECURE: ListenerSpec = { ...place, id: 'secure', protocol: 'https', tls: DEFAULT_TLS, http2: true };
const RELAY = { ...place, protocol: 'tcp' as const, pool: 'pool', slot: 1 };

/** The port of a balancer in front of an instance. */
async function front(
  listener: ListenerSpec,
  target: Partial<TargetSpec>,
  handling: Partial<HandlingSpec> = {},
): Promise<number> {
  const whole = {
    ...{ id: 'node/web', host: '127.0.0.1', port: 0, weight: 1, slot: 2 },
    ...{ priority: 0, maxConnections: 0, serverName: '' },
    ...target,
  };
  const pool = { id: 'pool', datagrams: false, strategy: 'rr' as const, names: undefined, slot: 1 };
  const route = routeSpec([target], { handlings: [{ ...PLAIN_HANDLING, ...handling }] });
  const fleet = new ProxyFleet({
    listeners: [listener],
    log: silentLogger,
    transport: { name: 'uring', why: 'a test wants it' },
    workers: 1,
    settings: { auth: { staff: { realm: 'staff', users: { joe: JOE } } } },
    snapshot: () => ({ version: 1, changed: [route], patched: [], removed: [] }),
    pools: () => ({ version: 1, changed: [{ ...pool, targets: [whole] }], removed: [] }),
    worker: pathToFileURL(programOf('worker')),
  });
  fleet.setCertificates('default', {
    certificates: [readCertificate({ place: 'web', ...pair })],
    clientCa: [],
  });
  await fleet.listen();
  closers.push(() => fleet.stop());
  return fleet.addresses.get(listener.id)!.port;
}

/** What bcrypt makes of a password that nobody has. */
const JOE = '$2b$04$abcdefghijklmnopqrstuuG7mW0D6u0Hn4q8n7h0k0cYq8oP2tq2q';

/** Asks over one connection, which it keeps. */
type Client = (port: number) => (body: Buffer) => Promise<Buffer>;

const overHttp1 =
  ({ request }: typeof http | typeof https, agent: http.Agent): Client =>
  (port) => {
    closers.push(() => agent.destroy());
    const where = { host: '127.0.0.1', port, ca: authority.cert, servername: 'web.test', agent };
    return async (body) => {
      const asked = request({ ...where, method: 'POST' });
      asked.end(body);
      const [response] = (await once(asked, 'response')) as [http.IncomingMessage];
      return buffer(response);
    };
  };

const overHttp2: Client = (port) => {
  const session: ClientHttp2Session = http2.connect(`https://127.0.0.1:${port}`, {
    ca: authority.cert,
    servername: 'web.test',
  });
  closers.push(() => session.destroy());
  return (body) => {
    const stream = session.request({ ':method': 'POST' });
    stream.end(body);
    return buffer(stream);
  };
};

const plain = overHttp1(http, new http.Agent({ keepAlive: true, maxSockets: 1 }));
const secure = overHttp1(https, new https.Agent({ keepAlive: true, maxSockets: 1 }));

describe.skipIf(OBSTACLE !== undefined)('beside the ring', () => {
  it.each([
    ['HTTP/1.1 over TLS', SECURE, secure, 'in clear text'],
    ['HTTP/2 over TLS', SECURE, overHttp2, 'in clear text'],
    ['HTTP/1.1', PLAIN, plain, 'behind TLS'],
    ['HTTP/1.1', PLAIN, plain, 'behind TLS, each time anew'],
    ['HTTP/1.1', PLAIN, plain, 'of HTTP/2'],
    ['HTTP/2 over TLS', SECURE, overHttp2, 'of HTTP/2'],
  ] as const)(
    'requests of %s need no tick (%#)',
    async (_, listener, client, instance) => {
      const ask = client(await front(listener, await INSTANCES[instance]()));
      for (let i = 0; i < TIMES; i++) {
        expect((await ask(Buffer.alloc(0))).equals(MUCH)).toBe(true);
        expect((await ask(MUCH)).equals(MUCH)).toBe(true);
        expect(String(await ask(Buffer.from('little')))).toBe('little');
      }
    },
    PATIENCE,
  );

  it(
    'a password that is held against bcrypt needs no tick',
    async () => {
      const port = await front(PLAIN, await INSTANCES['in clear text'](), { auth: 'staff' });
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      closers.push(() => agent.destroy());
      for (let i = 0; i < TIMES; i++) {
        const asked = http.get({ host: '127.0.0.1', port, agent, auth: `joe:${i}` });
        const [response] = (await once(asked, 'response')) as [http.IncomingMessage];
        expect(response.statusCode).toBe(401);
        await buffer(response);
      }
    },
    PATIENCE,
  );

  const echo = (socket: Socket) => void socket.pipe(socket);

  it.each([
    ['that ends here', { ...RELAY, id: 'tls', tls: DEFAULT_TLS }, false],
    ['to the instance', { ...RELAY, id: 'tcp' }, true],
  ] as const)(
    'TCP with TLS %s needs no tick',
    async (_, listener, isInner) => {
      const port = await listening(isInner ? createTlsServer(pair, echo) : createServer(echo));
      const through = await front(listener, isInner ? { port, tls } : { port });
      for (let i = 0; i < TIMES; i++) {
        const where = { host: '127.0.0.1', port: through };
        const socket = isInner
          ? connect(where)
          : connectTls({ ...where, ca: authority.cert, servername: 'web.test' });
        closers.push(() => socket.destroy());
        socket.end(MUCH);
        expect((await buffer(socket)).equals(MUCH)).toBe(true);
      }
    },
    PATIENCE,
  );
});
