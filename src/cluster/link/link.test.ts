import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MusterError } from '../../errors.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type LogLine } from '../../lib/log.ts';
import { soon } from '../../lib/soon.test-support.ts';
import { Keyring, parseKey } from './keyring.ts';
import { askForLines, type Outlet, serveLines } from './lines.ts';
import { dialLink, type LinkServer, listenLinks } from './link.ts';
import { Caller, type Calls, serveRpc } from './rpc.ts';

const newKey = (bytes = 32) => randomBytes(bytes).toString('base64');
const ringOf = (key: string) => Keyring.open(key, undefined);

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

type Feed = Parameters<typeof serveLines>[1];

async function listen(
  keyring: Keyring,
  calls: Calls = { echo: (text) => text },
  feed: Feed = () => {},
  limits: { handshakeTimeout?: number } = {},
) {
  const lines: LogLine[] = [];
  const logger = createLogger({ level: 'trace', sink: (line) => lines.push(line) });
  const failures: unknown[] = [];
  const server = await listenLinks({
    host: '127.0.0.1',
    port: 0,
    keyring,
    logger,
    clock: systemClock,
    ...limits,
    handlers: {
      rpc: (link) => serveRpc(link, calls, (error) => failures.push(error)),
      lines: (link) => serveLines(link, feed, (error) => failures.push(error)),
    },
  });
  stops.push(() => server.stop());
  return { server, lines, failures };
}

function callerTo(server: LinkServer, keyring: Keyring): Caller {
  const caller = new Caller(server.address, keyring);
  stops.push(() => caller.close());
  return caller;
}

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
    stops.push(() => new Promise((resolve) => recorder.close(resolve)));
    const { port } = recorder.address() as { port: number };
    const caller = new Caller({ host: '127.0.0.1', port }, keyring);
    expect(await caller.call('echo', 'once', 2000)).toBe('once');
    caller.close();
    const again = connect(server.address.port, server.address.host);
    const answers: Buffer[] = [];
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
    expect(await callerTo(server, keyring).call('echo', 'still here', 2000)).toBe('still here');
    expect(failures).toEqual([]);
  });

  /** Connections that say nothing, from so many addresses, 100 at a time. */
  async function holdOpen(server: LinkServer, count: number, addresses: number): Promise<void> {
    const sockets: Socket[] = [];
    stops.push(() => {
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
    expect(await callerTo(server, keyring).call('echo', 'through', 2000)).toBe('through');
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
    stops.push(() => clearInterval(drip));
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
    await expect(caller.call('no', {}, 2000)).rejects.toMatchObject({
      code: 'request.rejected',
      message: 'no, because',
    });
    await expect(caller.call('constructor', {}, 2000)).rejects.toMatchObject({ code: 'request.rejected' });
  });

  it('reject in time when nothing answers, and work again over a new link', async () => {
    const keyring = ringOf(newKey());
    const { server } = await listen(keyring, {
      hang: () => new Promise(() => {}),
      echo: (text) => text,
    });
    const caller = callerTo(server, keyring);
    await expect(caller.call('hang', {}, 100)).rejects.toMatchObject({ code: 'cluster.unreachable' });
    expect(await caller.call('echo', 1, 2000)).toBe(1);
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
    const call = caller.call('echo', 1, 2000);
    caller.close();
    await expect(call).rejects.toMatchObject({ code: 'cluster.unreachable' });
    await soon(() => expect(server.links()).toBe(0));
  });

  it('let go of a link over which nothing is asked, and make another', async () => {
    const keyring = ringOf(newKey());
    const { server } = await listen(keyring);
    const caller = new Caller(server.address, keyring, { idle: 20 });
    stops.push(() => caller.close());
    expect(await caller.call('echo', 1, 2000)).toBe(1);
    await soon(() => expect(server.links()).toBe(0));
    expect(await caller.call('echo', 2, 2000)).toBe(2);
  });
});

describe('lines', () => {
  const ask = async (
    server: LinkServer,
    keyring: Keyring,
    request: unknown,
    { line = () => {}, heard = () => {}, end = () => {} }: Partial<Parameters<typeof askForLines>[2]> = {},
  ) => {
    const asked = await askForLines(server.address, request, { keyring, timeout: 2000, line, heard, end });
    stops.push(() => asked.close());
    return asked;
  };

  it('come in any length until one side ends it', async () => {
    const keyring = ringOf(newKey());
    const closed = vi.fn();
    const { server } = await listen(keyring, {}, (to: number, outlet) => {
      for (let i = 0; i < to; i++)
        outlet.write(Buffer.from(`${JSON.stringify({ i, text: 'ä\n'.repeat(i * 100) })}\n`));
      outlet.onClose(closed);
    });
    const seen: { i: number; text: string }[] = [];
    const asked = await ask(server, keyring, 200, { line: (text) => seen.push(JSON.parse(text)) });
    await soon(() => expect(seen).toHaveLength(200));
    expect(seen[199]).toEqual({ i: 199, text: 'ä\n'.repeat(19_900) });
    asked.close();
    await soon(() => expect(closed).toHaveBeenCalledTimes(1));
  });

  it('go with signs of life, which both sides see', async () => {
    const keyring = ringOf(newKey());
    let outlet: Outlet | undefined;
    const { server } = await listen(keyring, {}, (_request, one) => {
      outlet = one;
    });
    const [line, heard, end] = [vi.fn(), vi.fn(), vi.fn()];
    const asked = await ask(server, keyring, 'quiet', { line, heard, end });
    await soon(() => expect(outlet).toBeDefined());
    const before = outlet?.received ?? 0;
    const told = vi.fn();
    outlet?.onNumber(told);
    expect(heard).not.toHaveBeenCalled();
    asked.sign(999_999_999_999_999);
    await soon(() => expect(heard).toHaveBeenCalledTimes(1));
    expect(outlet?.received).toBeGreaterThan(before);
    expect(told).toHaveBeenLastCalledWith(999_999_999_999_999);
    asked.sign(0);
    await soon(() => expect(told).toHaveBeenLastCalledWith(0));
    expect(line).not.toHaveBeenCalled();
    expect(end).not.toHaveBeenCalled();
    outlet?.close();
    await soon(() => expect(end).toHaveBeenCalledTimes(1));
    asked.sign(1);
  });

  it('take signs of life without a number, as of older versions, and whatever else comes for no number', async () => {
    const keyring = ringOf(newKey());
    let outlet: Outlet | undefined;
    const told = vi.fn();
    const { server } = await listen(keyring, {}, (_request, one) => {
      outlet = one;
      one.onNumber(told);
    });
    const link = await dialLink(server.address, 'lines', { keyring, timeout: 2000 });
    stops.push(() => link.destroy());
    link.resume();
    link.write('"all"\n');
    await soon(() => expect(outlet).toBeDefined());
    const signs = ['\n', '12', '\n', 'x\n', '-\n', `${'9'.repeat(40)}\n`, '7 8\n', '12\n\n'];
    for (const [at, sign] of signs.entries()) {
      link.write(sign);
      await soon(() => expect(outlet?.received).toBe(at + 1));
    }
    expect(told.mock.calls).toEqual([[999_999_999_999_999], [8]]);
  });

  it('wait for one who does not take them, and are counted', async () => {
    const keyring = ringOf(newKey());
    let outlet: Outlet | undefined;
    const { server } = await listen(keyring, {}, (_request, one) => {
      outlet = one;
    });
    const link = await dialLink(server.address, 'lines', { keyring, timeout: 2000 });
    stops.push(() => link.destroy());
    link.write('"all"\n');
    await soon(() => expect(outlet).toBeDefined());
    const line = Buffer.from(`${'x'.repeat(1_000_000)}\n`);
    for (let i = 0; i < 50; i++) outlet?.write(line);
    expect(outlet?.backlog).toBeGreaterThan(20_000_000);
    link.resume();
    await soon(() => expect(outlet?.backlog).toBe(0));
  });

  it.each([
    ['no JSON', 'nonsense\n', 1],
    ['too long', 'x'.repeat(5_000), 0],
    ['long, and then at an end', `"${'x'.repeat(5_000)}"\n`, 0],
    ['what the node cannot do', '"throw"\n', 1],
  ])('are refused to a request that is %s', async (_, request, told) => {
    const keyring = ringOf(newKey());
    const handle = vi.fn(() => {
      throw new Error('on purpose');
    });
    const { server, failures } = await listen(keyring, {}, handle);
    const link = await dialLink(server.address, 'lines', { keyring, timeout: 2000 });
    link.resume();
    link.write(request);
    await new Promise<void>((resolve) => link.once('close', () => resolve()));
    expect(failures).toHaveLength(told);
  });
});

describe('the keyring', () => {
  it('takes keys of 16 and 32 bytes in base64 and says what it wants otherwise', () => {
    expect(parseKey(newKey(16))).toHaveLength(16);
    for (const bad of ['', 'x', newKey(15), `${newKey()}=`, 'not base64 at all, but long enough to be one!'])
      expect(() => parseKey(bad)).toThrowError(/muster keygen/);
    expect(() => ringOf('')).toThrowError(/-encrypt/);
  });

  it('keys are exchanged without a node losing contact: install, use, remove', async () => {
    const [old, fresh] = [newKey(), newKey()];
    const [a, b] = [ringOf(old), ringOf(old)];
    const { server } = await listen(a);
    const reaches = () => callerTo(server, b).call('echo', 1, 2000);
    a.install(fresh);
    b.install(fresh);
    expect(await reaches()).toBe(1);
    b.use(fresh);
    expect(await reaches()).toBe(1);
    a.use(fresh);
    a.remove(old);
    b.remove(old);
    expect(await reaches()).toBe(1);
    await expect(callerTo(server, ringOf(old)).call('echo', 1, 2000)).rejects.toMatchObject({
      code: 'cluster.unreachable',
    });
    expect(() => a.remove(fresh)).toThrowError(/primary/);
    expect(() => a.use(old)).toThrowError(/not in the keyring/);
  });

  it('is kept for the user of the program only, and counts instead of the configuration', () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-keys-'));
    stops.push(() => rmSync(folder, { recursive: true }));
    const [one, other] = [newKey(), newKey()];
    const ring = Keyring.open(one, folder);
    ring.install(other);
    ring.use(other);
    expect(Keyring.open(one, folder).list()).toEqual([other, one]);
    expect(JSON.parse(readFileSync(join(folder, 'keyring.json'), 'utf8'))).toEqual([other, one]);
  });
});
