import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MusterError } from '../../errors.ts';
import { soon } from '../../lib/soon.test-support.ts';
import { dialLink, type LinkServer } from './link.ts';
import { callerTo, listen, newKey, ringOf } from './links.test-support.ts';
import { Caller } from './rpc.ts';

describe('a link', () => {
  it.each([16, 32])('carries calls between nodes with the same key of %i bytes', async (bytes) => {
    const key = newKey(bytes);
    const { server } = await listen(ringOf(key));
    const answer = await callerTo(server, ringOf(key)).call(
      'echo',
      { n: 2n ** 70n, b: new Uint8Array([1]) },
      2000,
    );
    expect(answer).toEqual({ n: 2n ** 70n, b: new Uint8Array([1]) });
  });

  it('is refused to another key, the refusal is logged once and names nobody', async () => {
    const { server, lines } = await listen(ringOf(newKey()));
    for (let i = 0; i < 5; i++)
      await expect(
        dialLink(server.address, 'rpc', { keyring: ringOf(newKey()), timeout: 2000 }),
      ).rejects.toThrow(/another key/);
    await soon(() => expect(server.refused()).toBe(5));
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('is refused to who knows the name of the key but not the key', async () => {
    const keyring = ringOf(newKey());
    const { server, lines } = await listen(keyring);
    const name = keyring.primary.name;
    const link = connectTls({
      ...server.address,
      ciphers: 'TLS_AES_128_GCM_SHA256:PSK+HIGH',
      ALPNProtocols: ['muster-rpc/1'],
      pskCallback: () => ({ psk: randomBytes(32), identity: name }),
      checkServerIdentity: () => undefined,
    });
    await new Promise<void>((resolve) => link.on('error', () => resolve()));
    await soon(() => expect(lines.some(({ fields }) => fields.why === 'it has another key')).toBe(true));
  });

  it('tells nothing to a TLS client without a key: no certificate, no name', async () => {
    const { server } = await listen(ringOf(newKey()));
    const link = connectTls({ ...server.address, rejectUnauthorized: false });
    const error = await new Promise<Error & { code?: string }>((resolve) => link.on('error', resolve));
    expect(error.code).toMatch(/HANDSHAKE_FAILURE|ALERT/);
    expect(link.getPeerCertificate()).toEqual({});
  });

  it('is not made by a handshake that was recorded and sent again', async () => {
    const keyring = ringOf(newKey());
    const { server } = await listen(keyring);
    const recorded: Buffer[] = [];
    const recorder = createServer((near) => {
      const far = connect(server.address.port, server.address.host);
      near.on('data', (bytes) => recorded.push(bytes));
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => void recorder.close(() => resolve())));
    const { port } = recorder.address() as { port: number };
    const caller = new Caller({ host: '127.0.0.1', port }, keyring);
    expect(await caller.call('echo', 'once', 20_000)).toBe('once');
    caller.close();
    const again = connect(server.address.port, server.address.host);
    const answers: Buffer[] = [];
    again.on('error', () => {});
    again.on('data', (bytes) => answers.push(bytes));
    again.write(Buffer.concat(recorded));
    await new Promise<void>((resolve) => again.on('close', () => resolve()));
    expect(Buffer.concat(answers).includes('once')).toBe(false);
    expect(server.refused()).toBe(1);
  });

  it('stays out of the way of garbage', async () => {
    const keyring = ringOf(newKey());
    const { server, failures } = await listen(keyring);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const socket = connect(server.address.port, server.address.host);
        socket.on('error', () => {});
        socket.on('data', () => {});
        socket.end(bytes);
        await new Promise<void>((resolve) => socket.on('close', () => resolve()));
      }),
      { numRuns: 50 },
    );
    expect(await callerTo(server, keyring).call('echo', 'still here', 20_000)).toBe('still here');
    expect(failures).toEqual([]);
  });

  /** Connections that say nothing, from so many addresses, 100 at a time. */
  async function holdOpen(server: LinkServer, count: number, addresses: number): Promise<void> {
    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    const open = (at: number) =>
      new Promise<void>((resolve) => {
        const localAddress = `127.0.1.${1 + (at % addresses)}`;
        const socket = connect({ ...server.address, localAddress }, resolve);
        socket.on('error', () => resolve());
        sockets.push(socket);
      });
    for (let at = 0; at < count; at += 100)
      await Promise.all(Array.from({ length: 100 }, (_, one) => open(at + one)));
  }

  // 64 at a time of one address.
  it('is made while one address holds hundreds of connections half open', async () => {
    const keyring = ringOf(newKey());
    const { server, lines } = await listen(keyring);
    await holdOpen(server, 500, 1);
    await soon(() => expect(server.refused()).toBeGreaterThan(400));
    expect(await callerTo(server, keyring).call('echo', 'through', 20_000)).toBe('through');
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  // 512 at a time in all.
  it('is made while many addresses hold thousands of connections half open, and the log stays short', async () => {
    const keyring = ringOf(newKey());
    const { server, lines } = await listen(keyring);
    await holdOpen(server, 2_000, 100);
    expect(await callerTo(server, keyring).call('echo', 'through', 20_000)).toBe('through');
    await soon(() => expect(server.refused()).toBeGreaterThan(1_400));
    expect(lines.filter(({ level }) => level === 'warn').length).toBeLessThan(30);
  });

  it('is not waited for: who does not get on with the handshake is let go, also when it sends a byte now and then', async () => {
    const keyring = ringOf(newKey());
    const { server, lines } = await listen(keyring, {}, () => {}, { handshakeTimeout: 100 });
    const [silent, slow] = [connect(server.address.port), connect(server.address.port)] as [Socket, Socket];
    const drip = setInterval(() => slow.write(Buffer.from([22])), 10);
    onTestFinished(() => clearInterval(drip));
    for (const socket of [silent, slow]) {
      socket.on('error', () => {});
      socket.resume();
      await new Promise<void>((resolve) =>
        socket.closed ? resolve() : socket.once('close', () => resolve()),
      );
    }
    await soon(() => expect(server.refused()).toBe(2));
    expect(lines.find(({ level }) => level === 'warn')?.fields.from).toMatch(/127\.0\.0\.1$/);
  });
});

describe('calls', () => {
  it('reject with the code and the words of the other side', async () => {
    const keyring = ringOf(newKey());
    const { server } = await listen(keyring, {
      no: () => {
        throw new MusterError('request.rejected', 'no, because');
      },
    });
    const caller = callerTo(server, keyring);
    await expect(caller.call('no', {}, 20_000)).rejects.toMatchObject({
      code: 'request.rejected',
      message: 'no, because',
    });
    await expect(caller.call('constructor', {}, 20_000)).rejects.toMatchObject({ code: 'request.rejected' });
  });

  it('reject in time when nothing answers, and work again over a new link', async () => {
    const keyring = ringOf(newKey());
    const { server } = await listen(keyring, {
      hang: () => new Promise(() => {}),
      echo: (text) => text,
    });
    const caller = callerTo(server, keyring);
    await expect(caller.call('hang', {}, 100)).rejects.toMatchObject({ code: 'cluster.unreachable' });
    expect(await caller.call('echo', 1, 20_000)).toBe(1);
  });

  it('are refused when they ask too much, and others go on', async () => {
    const keyring = ringOf(newKey());
    const { server } = await listen(keyring);
    const caller = callerTo(server, keyring);
    // The link first: both ends are in one process, which to write so long a request may take longer than a handshake may.
    expect(await caller.call('echo', 'first', 20_000)).toBe('first');
    await expect(caller.call('echo', 'x'.repeat(65 * 1024 * 1024), 20_000)).rejects.toMatchObject({
      message: expect.stringContaining('67108864 bytes'),
    });
    expect(await caller.call('echo', 'short', 20_000)).toBe('short');
  });

  it('end in peace when the caller is closed while its link is made', async () => {
    const keyring = ringOf(newKey());
    const { server } = await listen(keyring);
    const caller = callerTo(server, keyring);
    const call = caller.call('echo', 1, 20_000);
    caller.close();
    await expect(call).rejects.toMatchObject({ code: 'cluster.unreachable' });
    await soon(() => expect(server.links()).toBe(0));
  });

  it('let go of a link over which nothing is asked, and make another', async () => {
    const keyring = ringOf(newKey());
    const { server } = await listen(keyring);
    const caller = new Caller(server.address, keyring, { idle: 20 });
    onTestFinished(() => caller.close());
    expect(await caller.call('echo', 1, 20_000)).toBe(1);
    await soon(() => expect(server.links()).toBe(0));
    expect(await caller.call('echo', 2, 20_000)).toBe(2);
  });
});
