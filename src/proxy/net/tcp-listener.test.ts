import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { until } from '../../../scripts/support/processes.mjs';
import type { Target } from '../../balance/balancer.ts';
import { parseAccessRule } from '../access.ts';
import { TRANSPORT_NAMES } from '../choice.ts';
import { encodeProxyV1, encodeProxyV2 } from '../proxy-protocol.ts';
import { Keyring } from '../tls/keyring.ts';
import { api, authority, backend as secureBackend, specOf, web } from '../tls/listener.test-support.ts';
import { DEFAULT_TLS } from '../tls/spec.ts';
import {
  all,
  backend,
  carriedBy,
  closed,
  closedPort,
  echo,
  open,
  saying,
  start,
  undo,
} from './tcp-listener.test-support.ts';

describe.each(TRANSPORT_NAMES)('a TCP listener on %s', (name) => {
  carriedBy(name);

  it('relays both ways, whatever the sizes, and counts', async () => {
    const { address, counters } = await start({ targets: [{ port: await backend(echo) }] });
    const client = open(address);
    const sent = Buffer.alloc(3_000_000, 'abcdefghijk');
    const received = all(client);
    client.write('a');
    client.write(sent);
    client.end('z');
    const back = await received;
    expect(back.length).toBe(sent.length + 2);
    expect(back.subarray(1, -1).equals(sent)).toBe(true);
    expect(counters.slot(1)).toMatchObject({
      bytesIn: sent.length + 2,
      bytesOut: sent.length + 2,
      connections: 1,
    });
    expect(counters.slot(2)).toMatchObject({ requests: 1 });
  });

  it('passes on a half-close, and what comes behind it', async () => {
    const port = await backend((socket) => {
      let got = '';
      socket.on('data', (chunk) => (got += chunk));
      socket.on('end', () => socket.end(`got ${got}`));
    });
    const { address } = await start({ targets: [{ port }] });
    const client = open(address);
    client.end('question');
    expect((await all(client)).toString()).toBe('got question');
  });

  it('ends for the client when the instance ends, and with an error when it breaks off', async () => {
    const port = await backend((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const { address } = await start({ targets: [{ port }] });
    const client = open(address);
    let code: string | undefined;
    client.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    client.write('x');
    await closed(client);
    expect(code).toBe('ECONNRESET');
  });

  it('breaks off with an instance over TLS when the client does, and goes on with others', async () => {
    const ends: Promise<unknown>[] = [];
    const port = await secureBackend((socket) => {
      ends.push(new Promise((resolve) => socket.on('close', resolve).on('error', resolve)));
      socket.pipe(socket);
    }, api);
    const tls = { verify: true, serverName: 'api.test', ca: authority.cert };
    const { address } = await start({ targets: [{ port, tls }] });
    for (const word of ['first', 'second']) {
      const client = open(address);
      client.write(word);
      expect(String((await once(client, 'data'))[0])).toBe(word);
      client.resetAndDestroy();
    }
    await Promise.all(ends);
    expect(ends).toHaveLength(2);
  });

  it('tries the next one when one does not take connections, and says so', async () => {
    const failed: string[] = [];
    const dead = await closedPort();
    const alive = await backend(saying('here'));
    const outcomes = { connectFailed: ({ id }: Target, why: string) => failed.push(`${id} ${why}`) };
    const { address, counters } = await start({
      targets: [{ port: dead }, { port: dead }, { port: alive }],
      outcomes,
    });
    for (let i = 0; i < 3; i++) expect((await all(open(address))).toString()).toBe('here');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]).toMatch(/^t[01] connection refused$/);
    expect(counters.overall().connectFailures).toBe(failed.length);
    expect(counters.slot(2).inFlight).toBe(0);
  });

  it('tries every address of an instance that is given by name', async () => {
    // "localhost" may be an address of IPv6 first; the instance listens on IPv4 alone.
    const { address } = await start({
      targets: [{ host: 'localhost', port: await backend(saying('here')) }],
    });
    expect((await all(open(address))).toString()).toBe('here');
  });

  it('closes the client when nobody is there', async () => {
    const { address } = await start({ targets: [{ port: await closedPort() }] });
    expect(await all(open(address))).toHaveLength(0);
    const { address: empty, counters } = await start({ targets: [] });
    expect(await all(open(empty))).toHaveLength(0);
    // The client may know first.
    await until('nobody is there', () => counters.overall().openConnections === 0);
  });

  it('holds back who sends faster than the other side takes', async () => {
    let sent = 0;
    const port = await backend((socket) => {
      const more = () => {
        while (!socket.destroyed && sent < 1e9) {
          sent += 65_536;
          if (!socket.write(Buffer.alloc(65_536))) return void socket.once('drain', more);
        }
      };
      more();
    });
    const { address } = await start({ targets: [{ port }] });
    const client = open(address);
    client.pause();
    let before = -1;
    // Until it stands still: socket buffers and one buffer of ours are full.
    while (sent !== before) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(sent).toBeLessThan(64_000_000);
    let got = 0;
    client.resume();
    client.on('data', (chunk) => (got += chunk.length));
    while (got < before + 1_000_000) await once(client, 'data');
  });

  it('ends silent connections, on either side', async () => {
    const port = await backend((socket) => socket.on('data', () => {}));
    for (const limits of [{ clientIdleTimeout: 150 }, { upstreamIdleTimeout: 150 }]) {
      const { address } = await start({ targets: [{ port }], spec: { limits } });
      expect(await all(open(address))).toHaveLength(0);
    }
  });

  it('tells instances who the client is', async () => {
    const port = await backend(echo);
    for (const [version, expected] of [
      [1, encodeProxyV1],
      [2, encodeProxyV2],
    ] as const) {
      const { address } = await start({ targets: [{ port }], spec: { sendProxy: version } });
      const client = open(address, '127.0.0.7');
      await once(client, 'connect');
      const source = { address: '127.0.0.7', port: client.localPort as number };
      client.end('hello');
      const got = await all(client);
      const head = expected(source, { address: '127.0.0.1', port: address.port });
      expect(got).toEqual(Buffer.concat([head, Buffer.from('hello')]));
    }
  });

  it('believes a PROXY header, passes it on as its own, and asks the rules about whom it names', async () => {
    const port = await backend(echo);
    const { address } = await start({
      targets: [{ port }],
      spec: {
        acceptProxy: true,
        sendProxy: 1,
        access: { rules: [parseAccessRule('deny 10.9.9.9')!], allowOthers: true },
      },
    });
    const header = (from: string) =>
      encodeProxyV2({ address: from, port: 5 }, { address: '10.0.0.1', port: 80 });
    const client = open(address);
    const got = all(client);
    const bytes = Buffer.concat([header('10.2.3.4'), Buffer.from('hello')]);
    for (const byte of bytes) client.write(Buffer.from([byte]));
    client.end();
    expect((await got).toString()).toBe('PROXY TCP4 10.2.3.4 10.0.0.1 5 80\r\nhello');
    const denied = open(address);
    denied.write(header('10.9.9.9'));
    expect(await all(denied)).toHaveLength(0);
    const garbage = open(address);
    garbage.write('hello');
    expect(await all(garbage)).toHaveLength(0);
  });

  it('takes connections without a PROXY header where it is optional, silent ones too', async () => {
    const port = await backend(echo);
    const listening = (limits: { headTimeout?: number }) =>
      start({ targets: [{ port }], spec: { acceptProxy: 'optional', sendProxy: 1, limits } });
    const { address } = await listening({});
    const source = { address: '10.2.3.4', port: 5 };
    const header = encodeProxyV1(source, { address: '10.0.0.1', port: 80 });
    const answerTo = async (pieces: (string | Buffer)[]) => {
      const client = open(address);
      const got = all(client);
      for (const piece of pieces) {
        client.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.end();
      return (await got).toString();
    };
    expect(await answerTo([header, 'hello'])).toBe('PROXY TCP4 10.2.3.4 10.0.0.1 5 80\r\nhello');
    expect(await answerTo(['P', 'OST /'])).toMatch(
      /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\nPOST \/$/,
    );
    expect(await answerTo(['PROXY nonsense\r\n'])).toBe('');
    // Where the instance speaks first.
    const silent = open((await listening({ headTimeout: 200 })).address);
    expect(String((await once(silent, 'data'))[0])).toMatch(/^PROXY TCP4 127/);
  });

  it('takes who speaks no TLS for a client without a name where names decide', async () => {
    const [any, own] = [await backend(echo), await backend(saying('own'))];
    const targets = [{ port: any }, { port: own, serverName: 'own.test' }];
    const answerWith = async (unexpected: 'default' | 'reject', list: typeof targets) => {
      const { address } = await start({ targets: list, names: { matching: 'exact', unexpected } });
      const client = open(address);
      client.end('GET / HTTP/1.1\r\n\r\n');
      return (await all(client)).toString();
    };
    expect(await answerWith('default', targets)).toBe('GET / HTTP/1.1\r\n\r\n');
    expect(await answerWith('reject', targets.slice(1))).toBe('');
  });

  it('reads a PROXY header in front of the handshake where TLS ends here', async () => {
    const keyring = new Keyring();
    keyring.store('s').replace({ certificates: specOf(web), clientCa: [] });
    const { address } = await start({
      keyring,
      targets: [{ port: await backend(echo) }],
      spec: { acceptProxy: true, sendProxy: 1, tls: { ...DEFAULT_TLS, store: 's', alpn: [] } },
    });
    const secured = (header: string | Buffer) => {
      const raw = open(address);
      raw.write(header);
      const client = connectTls({ socket: raw, servername: 'web.test', ca: authority.cert });
      client.on('error', () => {});
      undo.push(() => client.destroy());
      return client;
    };
    const source = { address: '10.2.3.4', port: 5 };
    const client = secured(encodeProxyV1(source, { address: '10.0.0.1', port: 443 }));
    client.write('hello');
    let got = '';
    while (!got.endsWith('hello')) got += String((await once(client, 'data'))[0]);
    expect(got).toBe('PROXY TCP4 10.2.3.4 10.0.0.1 5 443\r\nhello');
    const garbage = open(address);
    garbage.write('hello');
    expect(await all(garbage)).toHaveLength(0);
  });

  it('leaves open connections alone when the pool changes', async () => {
    const [one, two] = [await backend(echo), await backend(saying('two'))];
    const { address, set } = await start({ targets: [{ port: one }] });
    const client = open(address);
    client.write('a');
    await once(client, 'data');
    set([{ port: two, id: 'other' }]);
    expect((await all(open(address))).toString()).toBe('two');
    client.write('b');
    expect(String((await once(client, 'data'))[0])).toBe('b');
  });

  it('drains: takes no new ones, waits for the others, then ends them', async () => {
    const { address, server } = await start({ targets: [{ port: await backend(echo) }] });
    const client = open(address);
    client.write('a');
    await once(client, 'data');
    const gone = server.close('l', { patience: 60_000, isReplaced: false });
    const refused = open(address);
    await closed(refused);
    client.write('b');
    expect(String((await once(client, 'data'))[0])).toBe('b');
    client.end();
    await gone;
  });

  it('survives peers that misbehave, and leaves nothing behind', async () => {
    let state = 11;
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    const misbehave = (socket: Socket) => {
      socket.on('error', () => {});
      socket.resume();
      for (let i = random(4); i > 0; i--) socket.write(Buffer.alloc(1 + random(200_000)));
      const end = random(4);
      if (end === 0) socket.end();
      else if (end === 1) setImmediate(() => socket.resetAndDestroy());
      else if (end === 2) setImmediate(() => socket.destroy());
      else socket.on('end', () => socket.end());
    };
    const { address, counters, server } = await start({
      targets: [
        { port: await backend(misbehave) },
        { port: await backend(misbehave) },
        { port: await closedPort() },
      ],
      spec: { limits: { clientIdleTimeout: 200, upstreamIdleTimeout: 200 } },
    });
    await Promise.all(
      Array.from({ length: 300 }, async () => {
        const socket = open(address);
        misbehave(socket);
        await closed(socket);
      }),
    );
    await server.close('l', { patience: 2_000, isReplaced: false });
    expect(counters.overall()).toMatchObject({ openConnections: 0 });
    for (const slot of [2, 3, 4]) expect(counters.slot(slot).inFlight).toBe(0);
    expect(counters.overall().connections).toBe(300);
  });
});
