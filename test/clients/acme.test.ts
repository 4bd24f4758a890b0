import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findCommand } from '../../scripts/support/paths.mjs';
import { freePorts, type Running, start, until } from '../../scripts/support/processes.mjs';
import { Authority } from '../../src/proxy/tls/fixtures.ts';
import { startBackend } from '../support/backend.ts';
import { musterProcess, testFolder } from '../support/muster.ts';
import { testProgram } from './programs.ts';

interface Pebble {
  readonly directory: string;
  /** File with who issued Pebble's own certificate. */
  readonly ca: string;
  readonly folder: string;
  readonly httpPort: number;
  readonly tlsPort: number;
}

/** Let's Encrypt's test authority, and a name server that says 127.0.0.1 to every name. It refuses a part of all nonces, on purpose. */
async function pebble(): Promise<Pebble> {
  const folder = testFolder();
  const authority = new Authority();
  onTestFinished(() => authority.remove());
  const { cert, key } = authority.issue({ names: ['localhost', '127.0.0.1'], kind: 'rsa' });
  const place = (name: string) => join(folder, name);
  writeFileSync(place('ca.pem'), authority.cert);
  writeFileSync(place('pebble.pem'), cert);
  writeFileSync(place('pebble.key'), key);
  const [port = 0, management = 0, httpPort = 0, tlsPort = 0, dns = 0, control = 0] = await freePorts(6);
  writeFileSync(
    place('pebble.json'),
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: place('pebble.pem'),
        privateKey: place('pebble.key'),
        httpPort,
        tlsPort,
      },
    }),
  );
  const names = testProgram('pebble-challtestsrv', [
    ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', `127.0.0.1:${dns}`],
    ...['-management', `127.0.0.1:${control}`, '-http01', '', '-https01', '', '-tlsalpn01', ''],
  ]);
  const controls = () =>
    fetch(`http://127.0.0.1:${control}/`).then(
      () => true,
      () => false,
    );
  await until('the name server to listen', controls, { program: names });
  const program: Running = start(
    findCommand('pebble') ?? 'pebble',
    ['-config', place('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`],
    {
      env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '20' },
    },
  );
  onTestFinished(async () => {
    await program.kill();
  });
  await until('pebble to listen', () => program.output().includes('ACME directory available'), { program });
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    ca: place('ca.pem'),
    folder,
    httpPort,
    tlsPort,
  };
}

/** The names of the certificate that is shown, and its serial number. */
function shown(port: number, servername: string): Promise<{ names: string; serial: string } | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, servername, rejectUnauthorized: false }, () => {
      const { subjectaltname = '', serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      resolve({ names: subjectaltname, serial: serialNumber });
    });
    socket.on('error', () => resolve(undefined));
  });
}

async function balancer({ directory, ca, folder }: Pebble, words: string[]): Promise<Running> {
  const backend = await startBackend('a');
  return musterProcess([
    'lb',
    ...[
      '-upstream',
      `127.0.0.1:${backend.port}`,
      '-acme',
      'one.test,two.test',
      '-acme-path',
      join(folder, 'kept'),
    ],
    ...['-acme-directory', directory, '-acme-ca', ca],
    ...words,
  ]);
}

describe('ACME', () => {
  it('gets a certificate by http-01, keeps it, and does not ask again', async () => {
    const authority = await pebble();
    const [secure = 0] = await freePorts(1);
    const words = ['-listen', `127.0.0.1:${authority.httpPort}`, '-listen-tls', `127.0.0.1:${secure}`];
    const first = await balancer(authority, words);
    await until('a certificate', async () => (await shown(secure, 'one.test')) !== undefined, {
      program: first,
    });
    const certificate = await shown(secure, 'two.test');
    expect(certificate?.names).toBe('DNS:one.test, DNS:two.test');
    expect(statSync(join(authority.folder, 'kept', 'one.test.pem')).mode & 0o077).toBe(0);
    expect(readFileSync(join(authority.folder, 'kept', 'account.pem'), 'utf8')).toContain('PRIVATE KEY');
    expect(first.output()).not.toContain('PRIVATE');
    await first.stop();
    const second = await balancer(authority, words);
    await until(
      'the same certificate',
      async () => (await shown(secure, 'one.test'))?.serial === certificate?.serial,
      {
        program: second,
      },
    );
  });

  it('gets one by tls-alpn-01 where there is no listener in clear text, while others are served', async () => {
    const authority = await pebble();
    const own = new Authority();
    onTestFinished(() => own.remove());
    const { cert, key } = own.issue({ names: ['static.test'] });
    const file = join(authority.folder, 'static.pem');
    writeFileSync(file, cert + key);
    const words = [
      '-listen-tls',
      `127.0.0.1:${authority.tlsPort}`,
      '-tls-cert',
      file,
      '-acme-challenge',
      'tls-alpn-01',
    ];
    const program = await balancer(authority, words);
    await until(
      'a certificate',
      async () => {
        const other = await shown(authority.tlsPort, 'static.test');
        if (program.output().includes('balancing')) expect(other?.names).toBe('DNS:static.test');
        return (await shown(authority.tlsPort, 'one.test'))?.names === 'DNS:one.test, DNS:two.test';
      },
      { program },
    );
  });

  it('says why it gets none, and goes on serving', async () => {
    const authority = await pebble();
    const [secure = 0, plain = 0] = await freePorts(2);
    // Pebble asks on another port: nobody answers there.
    const program = await balancer(authority, [
      '-listen',
      `127.0.0.1:${plain}`,
      '-listen-tls',
      `127.0.0.1:${secure}`,
    ]);
    await until('the refusal', () => /no certificate for one\.test, two\.test/.test(program.output()), {
      program,
    });
    expect(program.output()).toMatch(/did not find the answer to its http-01 challenge/);
    expect(existsSync(join(authority.folder, 'kept', 'one.test.pem'))).toBe(false);
    const answer = await fetch(`http://127.0.0.1:${plain}/`);
    expect(await answer.text()).toBe('a');
    expect((await fetch(`http://127.0.0.1:${plain}/.well-known/acme-challenge/unknown`)).status).toBe(200);
  });
});
