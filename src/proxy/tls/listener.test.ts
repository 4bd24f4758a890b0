import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { targetAt } from '../fixtures.ts';
import { readCertificate } from './certificate.ts';
import {
  api,
  authority,
  backend,
  Client,
  failure,
  GET,
  named,
  proxy,
  type SecureProxy,
  specOf,
  web,
} from './listener.test-support.ts';

/** Answers with what it was sent. */
const mirror = (socket: Socket) => {
  socket.on('data', (chunk) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${chunk.length}\r\n\r\n${chunk.toString('latin1')}`);
  });
};

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

  it.each(['TLSv1', 'TLSv1.1'] as const)(
    'speaks %s where that is allowed, to clients and to instances',
    async (version) => {
      const ciphers = 'DEFAULT@SECLEVEL=0';
      const old = { minVersion: version, maxVersion: version };
      const port = await backend(named('a'), { ...api, ...old, ciphers });
      const tls = { verify: true, serverName: 'api.test', ca: authority.cert, ...old };
      const client = new Client(await proxy([{ ...targetAt(port), tls }], { minVersion: version }), {
        ...old,
        ciphers,
      });
      await client.send(GET).until(/a$/);
      expect(client.socket.getProtocol()).toBe(version);
    },
  );

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
      const isResumed = async (given: SecureProxy) => {
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
