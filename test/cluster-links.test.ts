import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import { musterProcess, pickPorts, testFolder } from './support/muster.ts';

function testCertificate(): { cert: string; key: string } {
  const folder = testFolder();
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
  execFileSync('openssl', ['req', ...kind.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}

/** A node that looks for a server at a port of this machine. */
async function startNode(role: string[], port: number, env: NodeJS.ProcessEnv = {}) {
  const ports = await pickPorts();
  const program = musterProcess(
    [
      ...['agent', ...role, '-balancer=false', `-data-dir=${testFolder()}`],
      ...[`-encrypt=${randomBytes(32).toString('base64')}`, `-retry-join=127.0.0.1:${port}`],
      ...[`-http-port=${ports.http}`, `-dns-port=${ports.dns}`, `-server-port=${ports.server}`],
      ...[`-serf-lan-port=${ports.lan}`, `-serf-wan-port=${ports.wan}`],
    ],
    env,
  );
  return { program, port: ports.server };
}

const SERVER = ['-server', '-bootstrap-expect=3'];

it('nobody is told anything who shows a certificate of a trusted authority instead of the key', async () => {
  const { cert, key } = testCertificate();
  let links = 0;
  let heard = 0;
  const imposter = createServer({
    cert: readFileSync(cert),
    key: readFileSync(key),
    ALPNProtocols: ['muster-rpc/1', 'muster-lines/1', 'muster-peer/1'],
  });
  imposter.on('connection', () => links++);
  imposter.on('secureConnection', (link) => {
    link.on('error', () => {});
    link.on('data', () => heard++);
  });
  imposter.on('tlsClientError', () => {});
  imposter.listen(0, '127.0.0.1');
  await once(imposter, 'listening');
  onTestFinished(() => void imposter.close());
  const { port } = imposter.address() as AddressInfo;
  for (const role of [[], SERVER]) {
    const before = links;
    const { program } = await startNode(role, port, { NODE_EXTRA_CA_CERTS: cert });
    await until('it to have come twice', () => links >= before + 2, { program });
    expect(heard).toBe(0);
    await program.kill();
  }
});

it('a server takes no link from one who has a certificate, of whatever authority, instead of the key', async () => {
  const { cert, key } = testCertificate();
  const { program, port } = await startNode(SERVER, 1, { NODE_EXTRA_CA_CERTS: cert });
  await until(
    'the refusal',
    async () => {
      const link = connect({
        ...{ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['muster-rpc/1'] },
        ...{ cert: readFileSync(cert), key: readFileSync(key) },
      });
      const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
        link.once('error', resolve);
        link.once('secureConnect', () => resolve(undefined));
      });
      link.destroy();
      if (error === undefined) throw new Error('it was taken');
      return program.output().includes('it has no key of this cluster');
    },
    { program },
  );
});
