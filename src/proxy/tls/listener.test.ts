import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Target, TargetTls } from '../../balance/balancer.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import type { ListenAddress } from '../listener-spec.ts';
import { ProxyServer, type ProxyServerOptions } from '../net/server.ts';
import { readCertificate } from './certificate.ts';
import { Authority, type Pair } from './fixtures.ts';
import { Keyring } from './keyring.ts';
import { DEFAULT_TLS, type TlsSettings } from './spec.ts';

const authority = new Authority();
const stranger = new Authority('Stranger');
afterAll(() => {
  authority.remove();
  stranger.remove();
});
const web = authority.issue({ names: ['web.test', '127.0.0.1'] });
const api = authority.issue({ names: ['api.test', '*.api.test'], kind: 'rsa' });

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const specOf = (...pairs: Pair[]) => pairs.map((pair, i) => readCertificate({ place: `${i}`, ...pair }));

interface Proxy {
  readonly server: ProxyServer;
  readonly address: ListenAddress;
  readonly keyring: Keyring;
}

async function proxy(
  targets: readonly Target[],
  settings: Partial<TlsSettings> = {},
  options: Partial<ProxyServerOptions> = {},
): Promise<Proxy> {
  const keyring = new Keyring();
  keyring.store('default').replace({ certificates: specOf(web, api), clientCa: [authority.cert] });
  const server = new ProxyServer({ routes: routeTo(targets), keyring, ...options });
  closers.push(() => server.stop());
  const tls = { ...DEFAULT_TLS, ...settings };
  const address = await server.open({ id: 'web', protocol: 'https', host: '127.0.0.1', port: 0, tls });
  return { server, address, keyring };
}

/** A backend whose connections are handled by `serve`. */
async function backend(serve: (socket: Socket) => void, tls?: Pair & { ca?: string }): Promise<number> {
  const handle = (socket: Socket) => {
    socket.on('error', () => {});
    closers.push(() => socket.destroy());
    serve(socket);
  };
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen: true }, handle)
      : createTlsServer({ ...tls, ...(tls.ca === undefined ? {} : { requestCert: true }) }, handle);
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as { port: number }).port;
}

/** Answers every request with its name. */
const named = (name: string) => (socket: Socket) => {
  socket.on('data', (chunk) => {
    for (const _ of chunk.toString('latin1').matchAll(/\r\n\r\n/g))
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
  });
  socket.on('end', () => socket.end());
};

/** Answers with what it was sent. */
const mirror = (socket: Socket) => {
  socket.on('data', (chunk) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${chunk.length}\r\n\r\n${chunk.toString('latin1')}`);
  });
};

/** A client that collects what comes. */
class Client {
  text = '';
  readonly socket: TLSSocket;

  constructor({ address }: Proxy, options: ConnectionOptions = {}) {
    this.socket = connect({ ...address, servername: 'web.test', ca: authority.cert, ...options });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.on('error', () => {});
    closers.push(() => this.socket.destroy());
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  async until(pattern: RegExp): Promise<string> {
    const closed = once(this.socket, 'close');
    while (!pattern.test(this.text)) {
      if (this.socket.closed) throw new Error(`closed after: ${this.text}`);
      await Promise.race([once(this.socket, 'data'), closed]);
    }
    return this.text;
  }

  /** The name on the certificate that the proxy showed. */
  async shown(): Promise<string> {
    await once(this.socket, 'secureConnect');
    return String(this.socket.getPeerCertificate().subject.CN);
  }
}

/** How a connection ends that should not stand. */
async function failure(given: Proxy, options: ConnectionOptions): Promise<string> {
  const socket = connect({ ...given.address, servername: 'web.test', ca: authority.cert, ...options });
  closers.push(() => socket.destroy());
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.message));
    socket.on('close', () => resolve('closed'));
    // In TLS 1.3 a client is done before the server has seen its certificate.
    socket.on('data', () => resolve('answered'));
    socket.write(GET);
  });
}

const GET = 'GET / HTTP/1.1\r\nHost: x.test\r\n\r\n';

describe('a TLS listener', () => {
  it('shows the certificate for the name, the first one otherwise', async () => {
    const given = await proxy([]);
    expect(await new Client(given, { servername: 'api.test' }).shown()).toBe('api.test');
    expect(await new Client(given, { servername: 'v2.api.test' }).shown()).toBe('api.test');
    expect(await new Client(given, { servername: 'web.test' }).shown()).toBe('web.test');
    const options = { rejectUnauthorized: false, servername: 'else.test' };
    expect(await new Client(given, options).shown()).toBe('web.test');
    expect(await new Client(given, { servername: '' }).shown()).toBe('web.test');
  });

  it('serves a client’s requests over one connection, and says how they came', async () => {
    const client = new Client(await proxy([targetAt(await backend(mirror))]));
    const text = await client.send(GET).until(/X-Forwarded-Port.*\r\n\r\n$/s);
    expect(text).toContain('X-Forwarded-Proto: https\r\n');
    expect(text).toContain('X-Forwarded-Port: 443\r\n');
    expect(text).toMatch(
      /Forwarded: for=127.0.0.1; proto=https; httpproto=http\/1.1; tlsver=tls13; tlscipher=0x130[123]\r\n/,
    );
    client.text = '';
    await client.send(GET).until(/X-Forwarded-Port.*\r\n\r\n$/s);
  });

  it('carries large bodies both ways, also to a client that is slow to read', async () => {
    const total = 24 * 1024 * 1024;
    const block = Buffer.alloc(1 << 20, 'muster ');
    const got = createHash('sha1');
    let received = 0;
    const port = await backend((socket) => {
      let head = true;
      socket.on('data', (chunk) => {
        const body = head ? chunk.subarray(chunk.indexOf('\r\n\r\n') + 4) : chunk;
        head = false;
        got.update(body);
        received += body.length;
        if (received < total) return;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
        for (let sent = 0; sent < total; sent += block.length) socket.write(block);
      });
    });
    const { socket } = new Client(await proxy([targetAt(port)]));
    socket.removeAllListeners('data');
    socket.write(`POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: ${total}\r\n\r\n`);
    for (let sent = 0; sent < total; sent += block.length)
      if (!socket.write(block)) await once(socket, 'drain');
    const echo = createHash('sha1');
    let head = true;
    let read = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      const body = head ? chunk.subarray(chunk.indexOf('\r\n\r\n') + 4) : chunk;
      head = false;
      echo.update(body);
      read += body.length;
      if (read === total) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const wanted = createHash('sha1');
    for (let sent = 0; sent < total; sent += block.length) wanted.update(block);
    const digest = wanted.digest('hex');
    expect(got.digest('hex')).toBe(digest);
    expect(echo.digest('hex')).toBe(digest);
  });

  it('ends a connection with a close_notify behind the last answer', async () => {
    const client = new Client(await proxy([targetAt(await backend(named('a')))]));
    client.send('GET / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n');
    await once(client.socket, 'end');
    expect(client.text).toMatch(/Connection: close\r\n.*a$/s);
  });

  it('passes an upgraded connection on, both ways and to the end', async () => {
    const port = await backend((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.on('data', (data) => socket.write(data));
        socket.on('end', () => socket.end('bye'));
      });
    });
    const client = new Client(await proxy([targetAt(port)]), { allowHalfOpen: true } as ConnectionOptions);
    await client
      .send('GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
      .until(/101/);
    await client.send('ping').until(/ping$/);
    client.socket.end();
    await client.until(/pingbye$/);
  });

  it('takes new certificates and touches no open connection', async () => {
    const given = await proxy([targetAt(await backend(named('a')))]);
    const old = new Client(given, { servername: 'web.test' });
    expect(await old.shown()).toBe('web.test');
    const next = authority.issue({ names: ['next.test'] });
    given.keyring.store('default').replace({ certificates: specOf(next, api), clientCa: [] });
    expect(await new Client(given, { servername: 'next.test' }).shown()).toBe('next.test');
    expect(await new Client(given, { servername: 'api.test' }).shown()).toBe('api.test');
    const removed = { servername: 'web.test', rejectUnauthorized: false };
    expect(await new Client(given, removed).shown()).toBe('next.test');
    await old.send(GET).until(/\r\n\r\na$/);
  });

  it('refuses every handshake while it has no certificate, and goes on when one comes', async () => {
    const given = await proxy([targetAt(await backend(named('a')))], { store: 'later' });
    expect(await failure(given, {})).toMatch(/handshake failure/);
    given.keyring.store('later').replace({ certificates: specOf(web), clientCa: [] });
    await new Client(given).send(GET).until(/a$/);
  });

  it('refuses names that no certificate is for when strict', async () => {
    const given = await proxy([targetAt(await backend(named('a')))], { strict: true });
    await new Client(given, { servername: 'web.test' }).send(GET).until(/a$/);
    await new Client(given, { servername: 'x.api.test' }).send(GET).until(/a$/);
    expect(await failure(given, { servername: 'else.test' })).toMatch(/handshake failure/);
    expect(await failure(given, { servername: '' })).toMatch(/handshake failure/);
  });

  it('keeps to its versions and ciphers', async () => {
    const old = await proxy([targetAt(await backend(named('a')))], {
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    });
    const client = new Client(old);
    await client.send(GET).until(/a$/);
    expect(client.socket.getProtocol()).toBe('TLSv1.2');
    expect(client.socket.getCipher().name).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
    expect(await failure(old, { minVersion: 'TLSv1.3' })).toMatch(/protocol version/);
    const fresh = await proxy([], { minVersion: 'TLSv1.3' });
    expect(await failure(fresh, { maxVersion: 'TLSv1.2' })).toMatch(/protocol version/);
  });

  it('agrees by ALPN on what it speaks and on nothing else', async () => {
    const given = await proxy([targetAt(await backend(named('a')))]);
    const client = new Client(given, { ALPNProtocols: ['h3', 'http/1.1'] });
    await client.send(GET).until(/a$/);
    expect(client.socket.alpnProtocol).toBe('http/1.1');
    expect(await failure(given, { ALPNProtocols: ['h3'] })).toMatch(/no application protocol/);
  });

  it('resumes sessions, at another worker too, until the keys are changed', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const targets = [targetAt(await backend(named('a')))];
      const [one, two] = [await proxy(targets, { maxVersion }), await proxy(targets, { maxVersion })];
      const keys = Buffer.alloc(48, 'k');
      one.keyring.ticketKeys = two.keyring.ticketKeys = keys;
      const first = new Client(one);
      const session = once(first.socket, 'session') as Promise<[Buffer]>;
      await first.send(GET).until(/a$/);
      const [ticket] = await session;
      const isResumed = async (given: Proxy) => {
        const client = new Client(given, { session: ticket });
        await client.send(GET).until(/a$/);
        return client.socket.isSessionReused();
      };
      expect(await isResumed(one)).toBe(true);
      expect(await isResumed(two)).toBe(true);
      two.keyring.ticketKeys = Buffer.alloc(48, 'n');
      expect(await isResumed(two)).toBe(false);
    }
  });

  it('staples what the issuer says, for clients that ask', async () => {
    const given = await proxy([]);
    const staple = Buffer.from('an OCSP response');
    const specs = [web, api].map((pair, i) =>
      readCertificate({ place: `${i}`, ...pair, ...(i === 0 ? { staple } : {}) }),
    );
    const stapled = async (servername: string, count: number) => {
      given.keyring.store('default').replace({ certificates: specs.slice(0, count), clientCa: [] });
      const { socket } = new Client(given, { servername, requestOCSP: true } as ConnectionOptions);
      return String((await once(socket, 'OCSPResponse'))[0] ?? '');
    };
    expect(await stapled('web.test', 1)).toBe('an OCSP response');
    expect(await stapled('web.test', 2)).toBe('an OCSP response');
    expect(await stapled('api.test', 2)).toBe('');
  });

  it('gives no tickets when it is not to', async () => {
    const given = await proxy([targetAt(await backend(named('a')))], {
      tickets: false,
      maxVersion: 'TLSv1.2',
    });
    const first = new Client(given);
    await first.send(GET).until(/a$/);
    const session = first.socket.getSession();
    const second = new Client(given, { ...(session === undefined ? {} : { session }) });
    await second.send(GET).until(/a$/);
    expect(second.socket.isSessionReused()).toBe(false);
  });
});

describe('client certificates', () => {
  const good = authority.issue({ names: ['client'] });
  const bad = stranger.issue({ names: ['client'] });
  const expired = authority.issue({ names: ['client'], days: -1 });

  it('are required, and have to be valid', async () => {
    const given = await proxy([targetAt(await backend(named('a')))], { clientAuth: 'required' });
    await new Client(given, good).send(GET).until(/a$/);
    expect(await failure(given, {})).toMatch(/certificate required/);
    expect(await failure(given, bad)).not.toBe('answered');
    expect(await failure(given, expired)).not.toBe('answered');
    await until(() => given.server.connections === 1);
  });

  it('may be left out when optional, but not be bad', async () => {
    const given = await proxy([targetAt(await backend(named('a')))], { clientAuth: 'optional' });
    await new Client(given, good).send(GET).until(/a$/);
    await new Client(given).send(GET).until(/a$/);
    expect(await failure(given, bad)).not.toBe('answered');
    expect(await failure(given, expired)).not.toBe('answered');
  });

  it('are judged by the authorities of now, sessions of before included', async () => {
    const given = await proxy([targetAt(await backend(named('a')))], { clientAuth: 'required' });
    const first = new Client(given, good);
    const session = once(first.socket, 'session') as Promise<[Buffer]>;
    await first.send(GET).until(/a$/);
    const [ticket] = await session;
    given.keyring.store('default').replace({ certificates: specOf(web), clientCa: [stranger.cert] });
    expect(await failure(given, { ...good, session: ticket })).not.toBe('answered');
    await new Client(given, bad).send(GET).until(/a$/);
    given.keyring.store('default').replace({ certificates: specOf(web), clientCa: [] });
    expect(await failure(given, bad)).not.toBe('answered');
  });
});

/** Resolves when the connection is gone, however that came about. */
function closed(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.resume();
  return new Promise((resolve) => socket.on('close', () => resolve()));
}

/** Asks again and again. */
async function until(ask: () => boolean): Promise<void> {
  while (!ask()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('clients that misbehave in the handshake', () => {
  /** Resolves when the proxy has ended the connection. */
  async function speak(given: Proxy, ...parts: (string | Buffer)[]): Promise<void> {
    const socket = connectPlain(given.address);
    for (const part of parts) socket.write(part);
    await closed(socket);
  }

  it('are ended when they speak something else, or garbage, and hold no seat', async () => {
    const given = await proxy([targetAt(await backend(named('a')))]);
    await speak(given, GET);
    await speak(given, Buffer.alloc(100_000, 0x16));
    const noises = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 90 }), { numRuns: 200, seed: 7 });
    for (const [i, noise] of noises.entries()) {
      const socket = connectPlain(given.address);
      socket.end(i % 2 === 0 ? noise : Buffer.from([0x16, 3, 1, 0, noise.length, ...noise]));
      await closed(socket);
    }
    await new Client(given).send(GET).until(/a$/);
    await until(() => given.server.connections === 1);
  });

  it('are ended when they do not finish it in time', async () => {
    const given = await proxy([], { handshakeTimeout: 100 });
    await speak(given);
    await speak(given, Buffer.from([0x16, 3, 1]));
    await until(() => given.server.connections === 0);
  });

  it('take a seat like others, and are ended by the end of the listener', async () => {
    const given = await proxy([], {}, { limits: { maxConnections: 1 } });
    const silent = connectPlain(given.address);
    await once(silent, 'connect');
    await speak(given);
    const gone = closed(silent);
    await given.server.close('web', { patience: 5_000, isReplaced: false });
    await gone;
    await until(() => given.server.connections === 0);
  });
});

describe('instances over TLS', () => {
  const toSelf: TargetTls = { verify: true, serverName: 'api.test', ca: authority.cert };
  const at = (port: number, tls: TargetTls, slot = 0) => ({ ...targetAt(port, slot), tls });

  it('are verified, and their connections used again', async () => {
    let connections = 0;
    const port = await backend((socket) => {
      connections++;
      named('a')(socket);
    }, api);
    const client = new Client(await proxy([at(port, toSelf)]));
    await client.send(GET).until(/\r\n\r\na$/);
    await client.send(GET).until(/\r\n\r\na.*\r\n\r\na$/s);
    expect(connections).toBe(1);
  });

  it('are held against their address when no name is given', async () => {
    const port = await backend(named('a'), web);
    await new Client(await proxy([at(port, { verify: true, ca: authority.cert })])).send(GET).until(/a$/);
  });

  it('are passed over when they are not who they should be', async () => {
    const events: string[] = [];
    const outcomes = {
      connectFailed: (target: Target, why: string) => events.push(`${target.id}: ${why}`),
      cut() {},
      answered() {},
      erred() {},
    };
    const good = await backend(named('good'), api);
    const wrongName = await backend(named('bad'), web);
    const wrongIssuer = await backend(named('bad'), stranger.issue({ names: ['api.test'] }));
    const expired = await backend(named('bad'), authority.issue({ names: ['api.test'], days: -1 }));
    const plain = await backend((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const ports = [wrongName, wrongIssuer, expired, plain, good];
    const given = await proxy(
      ports.map((port, i) => at(port, toSelf, i)),
      {},
      { outcomes },
    );
    await new Client(given).send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n').until(/good$/);
    expect(events).toHaveLength(4);
    for (const event of events) expect(event).toMatch(/^t[0-3]: no TLS connection: ./);
    const alone = await proxy([at(wrongName, toSelf)]);
    expect(await new Client(alone).send(GET).until(/\n$/)).toMatch(
      /^HTTP\/1.1 500 .*certificates are not trusted/s,
    );
  });

  it('may be anybody when verification is off, but no such session is used where it is on', async () => {
    const port = await backend(named('a'), stranger.issue({ names: ['api.test'] }));
    const loose = { ...toSelf, verify: false };
    const given = await proxy([at(port, loose)]);
    const close = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    for (let i = 0; i < 3; i++) await new Client(given).send(close).until(/a$/);
    given.server.setRoutes(routeTo([at(port, toSelf)]));
    await new Client(given).send(GET).until(/500/);
  });

  it('get our certificate when they ask for one', async () => {
    const client = authority.issue({ names: ['balancer'] });
    const port = await backend(named('a'), { ...api, ca: authority.cert });
    await new Client(await proxy([at(port, { ...toSelf, ...client })])).send(GET).until(/a$/);
    await new Client(await proxy([at(port, toSelf)])).send(GET).until(/502/);
  });
});
