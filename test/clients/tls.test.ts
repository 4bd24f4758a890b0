import { writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePorts, runToEnd, until } from '../../scripts/support/processes.mjs';
import { Authority } from '../../src/proxy/tls/fixtures.ts';
import { startBackend } from '../support/backend.ts';
import { ask } from '../support/http.ts';
import { musterProcess, testFolder, testMuster } from '../support/muster.ts';
import { outputOf, testProgram } from './programs.ts';

interface Served {
  /** host:port of the TLS listener. */
  readonly place: string;
  readonly port: number;
  /** File with the authority's certificate. */
  readonly ca: string;
  /** File with certificate and key. */
  readonly pem: string;
  readonly folder: string;
}

/** `muster lb` with a certificate for web.test in front of one backend. */
async function served(): Promise<Served> {
  const folder = testFolder();
  const authority = new Authority();
  onTestFinished(() => authority.remove());
  const { cert, key } = authority.issue({ names: ['web.test', '127.0.0.1'] });
  const [ca, pem] = [join(folder, 'ca.crt'), join(folder, 'web.pem')];
  writeFileSync(ca, authority.cert);
  writeFileSync(pem, cert + key);
  const backend = await startBackend('a');
  const [port = 0] = await freePorts(1);
  const place = `127.0.0.1:${port}`;
  const program = musterProcess([
    'lb',
    '-listen-tls',
    place,
    '-tls-cert',
    pem,
    '-upstream',
    `127.0.0.1:${backend.port}`,
  ]);
  await until('muster lb to listen', () => program.output().includes('balancing'), { program });
  return { place, port, ca, pem, folder };
}

const resolve = ({ port }: Served) => ['--resolve', `web.test:${port}:127.0.0.1`];

describe('TLS with real clients', () => {
  it('curl speaks HTTP/2 and HTTP/1.1, and trusts only what it should', async () => {
    const given = await served();
    const url = `https://web.test:${given.port}/`;
    const show = ['-s', '-w', ' %{http_version} %{http_code}', ...resolve(given), url];
    expect(await outputOf('curl', ['--cacert', given.ca, '--http2', ...show])).toBe('a 2 200');
    expect(await outputOf('curl', ['--cacert', given.ca, '--http1.1', ...show])).toBe('a 1.1 200');
    expect((await runToEnd('curl', show)).code).toBe(60);
    expect((await runToEnd('curl', ['--cacert', given.ca, '--tls-max', '1.1', ...show])).code).not.toBe(0);
  });

  it('openssl s_client agrees on version and protocol, and resumes', async () => {
    const given = await served();
    const connect = [
      's_client',
      '-connect',
      given.place,
      '-servername',
      'web.test',
      '-CAfile',
      given.ca,
      '-verify_return_error',
    ];
    const session = join(given.folder, 'session');
    const openssl = (...args: string[]) =>
      runToEnd('sh', ['-c', `sleep 1 | openssl ${[...connect, ...args].join(' ')}`]);
    const first = await openssl('-alpn', 'h2,http/1.1', '-tls1_3', '-sess_out', session);
    expect(first.output).toMatch(/ALPN protocol: h2/);
    expect(first.output).toMatch(/TLSv1\.3, Cipher is TLS_/);
    expect(first.output).toMatch(/Verify return code: 0/);
    expect((await openssl('-tls1_3', '-sess_in', session)).output).toMatch(/Reused, TLSv1\.3/);
    expect((await openssl('-tls1_1')).output).toMatch(/alert protocol version|no protocols available/i);
    expect((await openssl('-tls1_2', '-alpn', 'spdy/1')).output).toMatch(/no application protocol/);
  });

  it('nghttp and h2load are served over many streams', async () => {
    const given = await served();
    const url = `https://127.0.0.1:${given.port}/`;
    expect(await outputOf('nghttp', ['-v', '--no-dep', url])).toMatch(/:status: 200/);
    const load = await outputOf('h2load', ['-n', '3000', '-c', '5', '-m', '32', url]);
    expect(load).toMatch(/3000 succeeded, 0 failed, 0 errored, 0 timeout/);
    const posts = await outputOf('h2load', ['-n', '500', '-c', '2', '-m', '20', '-d', given.pem, url]);
    expect(posts).toMatch(/500 succeeded, 0 failed, 0 errored, 0 timeout/);
  });

  it('HAProxy speaks to it over TLS, with both versions of HTTP', async () => {
    const given = await served();
    const [one = 0, two = 0] = await freePorts(2);
    const server = (alpn: string) =>
      `server web ${given.place} ssl verify required ca-file ${given.ca} sni str(web.test) verifyhost web.test alpn ${alpn}`;
    const file = join(given.folder, 'haproxy.cfg');
    writeFileSync(
      file,
      `global
  maxconn 100
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
listen one
  bind 127.0.0.1:${one}
  ${server('http/1.1')}
listen two
  bind 127.0.0.1:${two}
  ${server('h2')}
`,
    );
    const program = testProgram('haproxy', ['-db', '-f', file]);
    for (const port of [one, two]) {
      await until('HAProxy to answer', async () => (await ask(`http://127.0.0.1:${port}/`)).status === 200, {
        program,
      });
      for (let i = 0; i < 20; i++) expect((await ask(`http://127.0.0.1:${port}/`)).text).toBe('a');
    }
  });

  it('an agent shows certificates from its own key/value store, and forgets those that are removed', async () => {
    const authority = new Authority();
    onTestFinished(() => authority.remove());
    const [port = 0] = await freePorts(1);
    const { api, program } = await testMuster('agent', {
      node: { dev: true },
      balancer: {
        listener: [{ address: `127.0.0.1:${port}`, protocol: 'https', strict: true }],
        certificates: [{ kind: 'kv', cert: 'certs/' }],
      },
    });
    const connects = (servername: string) =>
      new Promise<boolean>((resolve) => {
        const session = http2.connect(`https://127.0.0.1:${port}`, { servername, ca: authority.cert }, () => {
          session.destroy();
          resolve(true);
        });
        session.on('error', () => resolve(false));
      });
    // It was told of as http://.
    await until('the banner', () => program.output().includes(`https://127.0.0.1:${port}`), { program });
    expect(await connects('a.test')).toBe(false);
    const { cert, key } = authority.issue({ names: ['a.test'] });
    const write = (name: string, method: string, text?: string) =>
      fetch(`${api}/v1/kv/certs/${name}`, { method, ...(text === undefined ? {} : { body: text }) });
    await write('a-key.pem', 'PUT', key);
    await write('a-cert.pem', 'PUT', cert);
    await until('the certificate to be shown', () => connects('a.test'));
    await write('a-cert.pem', 'DELETE');
    await until('the certificate to be gone', async () => !(await connects('a.test')));
  });

  it('an agent serves its API over TLS, to clients with a certificate, as Consul’s files say it', async () => {
    const authority = new Authority();
    onTestFinished(() => authority.remove());
    const folder = testFolder();
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const server = authority.issue({ names: ['127.0.0.1'] });
    const own = authority.issue({ names: ['client'] });
    const ca = write('ca.pem', authority.cert);
    const [http = 0, https = 0, dns = 0, balancer = 0] = await freePorts(4);
    const config = write(
      'agent.hcl',
      `
ports { http = ${http} https = ${https} dns = ${dns} server = 0 serf_lan = 0 serf_wan = 0 }
cert_file = "${write('agent.pem', server.cert)}"
key_file = "${write('agent-key.pem', server.key)}"
ca_file = "${ca}"
verify_incoming = true
`,
    );
    const program = musterProcess([
      'agent',
      '-dev',
      '-config-file',
      config,
      '-balancer-listen',
      `127.0.0.1:${balancer}`,
    ]);
    const url = `https://127.0.0.1:${https}/v1/agent/self`;
    const pair = ['--cert', write('client.pem', own.cert), '--key', write('client-key.pem', own.key)];
    const asked = () => runToEnd('curl', ['-s', '--cacert', ca, ...pair, url]);
    await until('the agent to answer', async () => (await asked()).code === 0, { program });
    expect((await asked()).output).toContain('"Datacenter"');
    expect((await runToEnd('curl', ['-s', '--cacert', ca, url])).code).not.toBe(0);
  });
});
