import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFabioConfig } from '../agent/fabio/config.ts';
import { openConsul } from '../agent/fabio/registries/consul.ts';
import { Client } from '../client/client.ts';
import { silentLogger } from '../lib/log.ts';
import { Authority } from '../proxy/tls/fixtures.ts';
import { startTestAgent, type TestAgent } from './verbs/test-agent.test-support.ts';

/** What runs beside a registry whose authority is private, and which asks its clients for certificates. */
const servers = new Authority('Servers');
const clients = new Authority('Clients');
const folder = mkdtempSync(join(tmpdir(), 'muster-private-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
let registry: TestAgent;
let address: string;
const paths = { ca: '', cert: '', key: '', both: '' };

beforeAll(async () => {
  const server = servers.issue({ names: ['registry.test', '127.0.0.1'] });
  const client = clients.issue({ names: ['somebody'] });
  paths.ca = file('ca.pem', servers.cert);
  paths.cert = file('me.pem', client.cert);
  paths.key = file('me-key.pem', client.key);
  paths.both = file('me-both.pem', client.cert + client.key);
  registry = await startTestAgent(
    [
      '[ports]',
      'http = -1',
      'https = 0',
      '[api.tls]',
      `cert = "${file('server.pem', server.cert)}"`,
      `key = "${file('server-key.pem', server.key)}"`,
      `client_ca = "${file('clients.pem', clients.cert)}"`,
      'verify_incoming = true',
    ].join('\n'),
  );
  address = (registry.agent.addresses.http[0] ?? '').replace('https://', '');
  const { ca: caFile, cert: certFile, key: keyFile } = paths;
  const client1 = new Client({ address, tls: true, caFile, certFile, keyFile });
  await client1.kv.put('greeting', 'hello');
  await client1.kv.put('fabio/config', 'route add web web.test/ http://127.0.0.1:1/');
});
afterAll(async () => {
  await registry.agent.stop();
  servers.remove();
  clients.remove();
  rmSync(folder, { recursive: true, force: true });
});

const rendered = () => readFileSync(join(folder, 'out'), 'utf8');
const template = () => `${file('in.ctmpl', 'says {{ key "greeting" }}')}:${join(folder, 'out')}`;

describe('muster template', () => {
  it('trusts and is trusted by what its flags name, and writes its log lines to a file', async () => {
    const log = join(folder, 'template.log');
    const { code, err } = await registry.muster(
      [
        'template',
        '-once',
        `-template=${template()}`,
        '-consul-ssl',
        `-consul-addr=${address}`,
        `-consul-ssl-ca-cert=${paths.ca}`,
        `-consul-ssl-cert=${paths.cert}`,
        `-consul-ssl-key=${paths.key}`,
        '-consul-ssl-server-name=registry.test',
        `-log-file=${log}`,
        '-log-level=debug',
      ],
      '',
      { CONSUL_HTTP_ADDR: '' },
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(rendered()).toBe('says hello');
    expect(readFileSync(log, 'utf8')).toContain(join(folder, 'out'));
  });

  it('and by what its configuration names, which speaks TLS for that', async () => {
    rmSync(join(folder, 'out'), { force: true });
    const log = join(folder, 'configured.log');
    const config = file(
      'template.hcl',
      `
      consul {
        address = "${address}"
        ssl {
          ca_cert_bytes = <<EOT
${servers.cert}EOT
          cert = "${paths.both}"
        }
      }
      log_level = "debug"
      log_file {
        path = "${log}"
        log_rotate_bytes = 100000
        log_rotate_duration = "1h"
        log_rotate_max_files = -1
      }
      template {
        source = "${file('in.ctmpl', 'says {{ key "greeting" }}')}"
        destination = "${join(folder, 'out')}"
      }`,
    );
    const { code, err } = await registry.muster(['template', '-once', `-config=${config}`], '', {
      CONSUL_HTTP_ADDR: '',
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(rendered()).toBe('says hello');
    expect(readFileSync(log, 'utf8')).toContain(join(folder, 'out'));
  });

  it('gives up, with what to do, where it does not trust the registry', async () => {
    const words = ['template', '-once', `-template=${template()}`, '-consul-ssl', `-consul-addr=${address}`];
    const { code, err } = await registry.muster([...words, '-consul-retry=false'], '', {
      CONSUL_HTTP_ADDR: '',
    });
    expect(code).toBe(14);
    expect(err).toContain('CONSUL_CACERT');
  });
});

it("a balancer with fabio's settings reads its routes from there", async () => {
  const { config } = readFabioConfig({
    file: [
      `registry.consul.addr = https://${address}`,
      `registry.consul.tls.cafile = ${paths.ca}`,
      `registry.consul.tls.certfile = ${paths.cert}`,
      `registry.consul.tls.keyfile = ${paths.key}`,
    ].join('\n'),
    env: {},
    flags: {},
  });
  const opened = openConsul(config, silentLogger);
  try {
    const read = await opened.manual?.read('');
    expect(read?.value).toBe('route add web web.test/ http://127.0.0.1:1/');
  } finally {
    opened.stop();
  }
});
