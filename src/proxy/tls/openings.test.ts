/** What comes before a handshake, and who is told apart by it. */
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { challengeCertificate } from '../acme/signed.ts';
import { targetAt } from '../fixtures.ts';
import { readCertificate } from './certificate.ts';
import { authority, backend, Client, GET, proxy, type SecureProxy, until } from './listener.test-support.ts';

/** Answers with the request's head. */
const mirror = (socket: Socket) => {
  socket.on('data', (chunk) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${chunk.length}\r\n\r\n${chunk.toString('latin1')}`);
  });
};

/** What a client hears whose hello comes behind `header`: in one piece, or one byte after the other. */
async function headBehind({ address }: SecureProxy, header: string, isInPieces: boolean): Promise<string> {
  const raw = connectPlain(address);
  await once(raw, 'connect');
  raw.setNoDelay(true);
  if (isInPieces)
    for (const letter of header) {
      raw.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
  else {
    raw.cork();
    raw.write(header);
  }
  const socket = connect({ socket: raw, servername: 'web.test', ca: authority.cert });
  raw.uncork();
  socket.write(GET);
  let text = '';
  while (!/X-Forwarded-For.*\r\n\r\n$/s.test(text)) text += String((await once(socket, 'data'))[0]);
  socket.destroy();
  return text;
}

describe('a PROXY header in front of a handshake', () => {
  it.each([
    ['at once', false],
    ['in pieces', true],
  ])('says who the client is, %s', async (_, isInPieces) => {
    const given = await proxy([targetAt(await backend(mirror))], {}, {}, { acceptProxy: true });
    const header = 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n';
    expect(await headBehind(given, header, isInPieces)).toContain('X-Forwarded-For: 203.0.113.7\r\n');
    await until(() => given.server.connections === 0);
  });

  it('has to be there, and in time', async () => {
    const given = await proxy([], {}, {}, { acceptProxy: true, proxyTimeout: 100 });
    const silent = connectPlain(given.address);
    const other = new Client(given).socket;
    await Promise.all([
      once(silent.resume(), 'close'),
      new Promise((resolve) => other.once('close', resolve)),
    ]);
    await until(() => given.server.connections === 0);
  });
});

describe('while an ACME authority is expected', () => {
  const challenge = readCertificate({
    place: 'challenge',
    ...challengeCertificate('web.test', 'token', Date.now()),
  });

  it('shows it what it wants to see, serves everybody else, and forgets no seat', async () => {
    const given = await proxy([targetAt(await backend(mirror))]);
    given.server.setChallenges({ http: new Map(), certificates: [challenge] });
    const { host, port } = given.address;
    const options = { host, port, servername: 'web.test', rejectUnauthorized: false };
    const asking = connect({ ...options, ALPNProtocols: ['acme-tls/1'] });
    await once(asking, 'secureConnect');
    expect(asking.alpnProtocol).toBe('acme-tls/1');
    expect(asking.getPeerX509Certificate()?.raw.includes(Buffer.from('04220420', 'hex'))).toBe(true);
    await once(asking.resume(), 'close');
    const client = new Client(given);
    await client.send(GET).until(/X-Forwarded-For.*\r\n\r\n$/s);
    client.socket.destroy();
    const garbage = connectPlain(given.address);
    garbage.end('no hello');
    await new Promise((resolve) => garbage.resume().once('close', resolve));
    const silent = connectPlain(given.address);
    silent.end();
    await new Promise((resolve) => silent.resume().once('close', resolve));
    await until(() => given.server.connections === 0);
  });
});
