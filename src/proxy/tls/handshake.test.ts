import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targetAt } from '../fixtures.ts';
import {
  authority,
  backend,
  Client,
  failure,
  GET,
  named,
  proxy,
  type SecureProxy,
  specOf,
  stranger,
  until,
  web,
} from './listener.test-support.ts';

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

describe('a client behind its handshake', () => {
  it('may change its keys, and stays one client', async () => {
    const given = await proxy([targetAt(await backend(named('a')))]);
    const { host, port } = given.address;
    const client = spawn('openssl', ['s_client', '-connect', `${host}:${port}`, '-tls1_3', '-crlf']);
    const texts = { stdout: '', stderr: '' };
    const hears = (from: 'stdout' | 'stderr') => {
      client[from].on('data', (part) => {
        texts[from] += String(part);
      });
      return async (pattern: RegExp) => {
        while (!pattern.test(texts[from])) await once(client[from], 'data');
      };
    };
    const [answers, errors] = [hears('stdout'), hears('stderr')];
    await answers(/Verify return code/);
    for (let i = 1; i <= 3; i++) {
      // A command of this client's: KeyUpdate, and the proxy is to do the same.
      client.stdin.write('K\n');
      await errors(new RegExp(`(KEYUPDATE.*){${i}}`, 's'));
      client.stdin.write('GET / HTTP/1.1\nHost: x.test\n\n');
      await answers(new RegExp(`(200 OK.*){${i}}a$`, 's'));
    }
    expect(given.server.connections).toBe(1);
    const gone = once(client, 'close');
    client.kill();
    await gone;
    await until(() => given.server.connections === 0);
  });

  it('is ended when what it sends cannot be decrypted', async () => {
    const given = await proxy([targetAt(await backend(named('a')))]);
    const raw = connectPlain(given.address);
    const socket = connect({ socket: raw, servername: 'web.test', ca: authority.cert });
    socket.on('error', () => {});
    socket.write(GET);
    await once(socket, 'data');
    const gone = closed(raw);
    raw.write(Buffer.from([23, 3, 3, 0, 32, ...Buffer.alloc(32, 7)]));
    await gone;
    await until(() => given.server.connections === 0);
  });

  it('that leaves without a word, or is reset, holds no seat', async () => {
    const given = await proxy([targetAt(await backend(named('a')))]);
    for (const leave of ['destroy', 'resetAndDestroy'] as const) {
      const raw = connectPlain(given.address);
      const socket = connect({ socket: raw, servername: 'web.test', ca: authority.cert });
      socket.on('error', () => {});
      socket.write(GET);
      await once(socket, 'data');
      raw[leave]();
      await until(() => given.server.connections === 0);
    }
  });
});

describe('clients that misbehave in the handshake', () => {
  /** Resolves when the proxy has ended the connection. */
  async function speak(given: SecureProxy, ...parts: (string | Buffer)[]): Promise<void> {
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
