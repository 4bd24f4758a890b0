import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, runToEnd, until } from '../scripts/support/processes.mjs';
import { Authority } from '../src/proxy/tls/fixtures.ts';
import { put } from './support/http.ts';
import { testFolder, testMuster } from './support/muster.ts';
import { says } from './support/talk.ts';

/** Answers each connection with its id and what it hears. */
async function startEcho(id: string): Promise<{ port: number; stop: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(`${id} ${data}`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  onTestFinished(stop);
  return { port: (server.address() as AddressInfo).port, stop };
}

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** What comes back for `text` on a connection of its own, "" when it is closed. */
async function say(port: number, text: string): Promise<string> {
  const socket = open(port);
  const answer = await says(socket, text, new RegExp(`${text}$`)).catch(() => '');
  socket.destroy();
  return answer;
}

describe('a service of the catalog over TCP', () => {
  it('is balanced as its instances come and go, and open connections outlive them', async () => {
    const [port = 0] = await freePorts(1);
    const { api } = await testMuster('agent', {
      node: { dev: true },
      balancer: { workers: 2, service: [{ name: 'db', address: `127.0.0.1:${port}` }] },
    });
    expect(await say(port, 'x')).toBe('');
    const [a, b] = [await startEcho('a'), await startEcho('b')];
    const register = (id: string, at: number) =>
      put(`${api}/v1/agent/service/register`, {
        ID: id,
        Name: 'db',
        Address: '127.0.0.1',
        Port: at,
        Check: { TCP: `127.0.0.1:${at}`, Interval: '1s', Status: 'passing' },
      });
    await register('a', a.port);
    await until('the first', async () => (await say(port, 'x')) === 'a x');
    const held = open(port);
    expect(await says(held, '1', /1$/)).toBe('a 1');

    await register('b', b.port);
    await until('the second', async () => (await say(port, 'x')) === 'b x');
    // They take turns. A worker that learns of the second only now begins anew with it.
    await until('turns', async () => {
      const answers = [];
      for (let i = 0; i < 20; i++) answers.push(await say(port, 'x'));
      return /^(a x,b x,){9}a x,b x$|^(b x,a x,){9}b x,a x$/.test(answers.join());
    });

    await put(`${api}/v1/agent/service/deregister/a`);
    await until('the first to be out', async () => {
      const two = [await say(port, 'x'), await say(port, 'x')];
      return two.every((answer) => answer === 'b x');
    });
    expect(await says(held, '2', /2$/)).toBe('a 2');
  });

  it('is not drained while connections to the instance are open: it was said to be at once', async () => {
    const [port = 0] = await freePorts(1);
    const { api } = await testMuster('agent', {
      node: { dev: true },
      balancer: { service: [{ name: 'db', address: `127.0.0.1:${port}` }] },
    });
    const { port: at } = await startEcho('a');
    const Check = { TCP: `127.0.0.1:${at}`, Interval: '1s', Status: 'passing' };
    await put(`${api}/v1/agent/service/register`, {
      ID: 'a',
      Name: 'db',
      Address: '127.0.0.1',
      Port: at,
      Check,
    });
    await until('the instance', async () => (await say(port, 'x')) === 'a x');
    const held = open(port);
    expect(await says(held, '1', /1$/)).toBe('a 1');
    const drain = (...flags: string[]) =>
      runToEnd(process.execPath, [MUSTER, 'drain', ...flags, 'a'], { env: { CONSUL_HTTP_ADDR: api } });
    expect(await drain('-timeout=10ms')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^a gets no new requests, but \d+ .* still in flight\n$/),
    });
    held.destroy();
    expect(await drain()).toMatchObject({
      code: 0,
      output: 'a gets no new requests, and none is in flight\n',
    });
  });

  it('is found by tags with a port, or with the name that a TLS client asks for', async () => {
    const [byPort = 0, byName = 0] = await freePorts(2);
    const { api } = await testMuster('agent', {
      node: { dev: true },
      balancer: {
        workers: 2,
        listener: [
          { address: `127.0.0.1:${byPort}`, protocol: 'tcp' },
          { address: `127.0.0.1:${byName}`, protocol: 'tcp+sni' },
        ],
      },
    });
    const authority = new Authority();
    onTestFinished(() => authority.remove());
    const { cert, key } = authority.issue({ names: ['db.test'] });
    const secure = createTlsServer({ cert, key }, (socket) => socket.end('secure')).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    onTestFinished(() => void secure.close());
    const plain = await startEcho('a');
    const register = (id: string, at: number, tag: string) =>
      put(`${api}/v1/agent/service/register`, {
        ID: id,
        Name: id,
        Address: '127.0.0.1',
        Port: at,
        Tags: [tag],
        Check: { TCP: `127.0.0.1:${at}`, Interval: '1s', Status: 'passing' },
      });
    await register('plain', plain.port, `urlprefix-:${byPort} proto=tcp`);
    await register('secure', (secure.address() as AddressInfo).port, 'urlprefix-db.test/ proto=tcp');
    await until('the port', async () => (await say(byPort, 'x')) === 'a x');
    const hear = (servername: string) =>
      new Promise<string>((resolve) => {
        const client = connectTls({ host: '127.0.0.1', port: byName, servername, ca: authority.cert });
        onTestFinished(() => void client.destroy());
        let heard = '';
        client.on('data', (data) => {
          heard += String(data);
        });
        client.on('error', () => {});
        client.once('close', () => resolve(heard));
      });
    await until('the name', async () => (await hear('db.test')) === 'secure');
    expect(await hear('other.test')).toBe('');
  });

  it('closes clients that a route of their name refuses, where HTTPS is served besides: that served them', async () => {
    const [door = 0] = await freePorts(1);
    const folder = testFolder();
    const authority = new Authority();
    onTestFinished(() => authority.remove());
    const own = authority.issue({ names: ['web.test'] });
    writeFileSync(join(folder, 'web.pem'), `${own.cert}${own.key}`);
    const { api } = await testMuster(
      'agent',
      {
        node: { dev: true },
        balancer: {
          listener: [{ address: `127.0.0.1:${door}`, protocol: 'https+tcp+sni' }],
          certificates: [{ kind: 'file', cert: 'web.pem' }],
        },
      },
      folder,
    );
    const { cert, key } = authority.issue({ names: ['free.test', 'shut.test'] });
    const secure = createTlsServer({ cert, key }, (socket) => socket.end('secure')).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    onTestFinished(() => void secure.close());
    const { port: at } = secure.address() as AddressInfo;
    await put(`${api}/v1/agent/service/register`, {
      Name: 'secure',
      Address: '127.0.0.1',
      Port: at,
      Tags: ['urlprefix-free.test/ proto=tcp', 'urlprefix-shut.test/ proto=tcp deny=ip:127.0.0.0/8'],
      Check: { TTL: '1h', Status: 'passing' },
    });
    /** Whose certificate is shown; "" when the connection is closed before. */
    const shown = (servername: string) =>
      new Promise<string>((resolve) => {
        const client = connectTls({
          host: '127.0.0.1',
          port: door,
          servername,
          ca: authority.cert,
          checkServerIdentity: () => undefined,
        });
        onTestFinished(() => void client.destroy());
        client.on('error', () => {});
        client.once('secureConnect', () => resolve(client.getPeerCertificate().subjectaltname ?? ''));
        client.once('close', () => resolve(''));
      });
    await until('the route', async () => (await shown('free.test')).includes('free.test'));
    expect(await shown('web.test')).toBe('DNS:web.test');
    expect(await shown('shut.test')).toBe('');
  });

  it('loses no connection to an instance that is dead and not yet known to be', async () => {
    const [port = 0] = await freePorts(1);
    const { api } = await testMuster('agent', {
      node: { dev: true },
      balancer: { workers: 2, service: [{ name: 'db', address: `127.0.0.1:${port}` }] },
    });
    const [a, b] = [await startEcho('a'), await startEcho('b')];
    for (const [id, at] of [
      ['a', a.port],
      ['b', b.port],
    ] as const)
      await put(`${api}/v1/agent/service/register`, {
        ID: id,
        Name: 'db',
        Address: '127.0.0.1',
        Port: at,
        Check: { TTL: '1h', Status: 'passing' },
      });
    await until('both', async () => {
      const two = [await say(port, 'x'), await say(port, 'x')];
      return two.sort().join() === 'a x,b x';
    });
    a.stop();
    for (let i = 0; i < 20; i++) expect(await say(port, 'x')).toBe('b x');
  });
});
