import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { restReply } from '../../api/gobetween/rest.ts';
import { instanceOf } from '../../discovery/backend.ts';
import { parseStaticUpstream } from '../../discovery/static.ts';
import { EMPTY_SPEC } from '../../health/spec.ts';
import { systemClock } from '../../lib/clock.ts';
import { silentLogger } from '../../lib/log.ts';
import { Authority } from '../../proxy/tls/fixtures.ts';
import { checkText, gobetweenFormat } from './check.ts';
import { checkPlan } from './checks.ts';
import { planServer } from './plan.ts';
import { prepareServer } from './prepare.ts';
import { readGobetween, readServer, substituteEnv } from './read.ts';
import { shownConfig, shownServer } from './shown.ts';
import { tlsManner } from './tls.ts';

const read = (text: string) => readGobetween('lb.toml', text, 'toml');
const serverOf = (text: string) => {
  const { value } = read(text);
  return prepareServer('x', value.servers.x!, value.defaults);
};
const STATIC = '[servers.x.discovery]\nkind = "static"\nstatic_list = ["127.0.0.1:1"]\n';

describe("gobetween's files", () => {
  it('have its defaults', () => {
    expect(serverOf(`[servers.x]\nbind = ":1"\n${STATIC}`)).toMatchObject({
      protocol: 'tcp',
      balance: 'weight',
      max_connections: 0,
      client_idle_timeout: '0',
      discovery: { failpolicy: 'keeplast', interval: '0' },
      healthcheck: { kind: 'none', fails: 1, passes: 1 },
    });
    // The REST API tells null for what is not there.
    expect(serverOf(`[servers.x]\nbind = ":1"\n${STATIC}`)).toMatchObject({ sni: null, access: null });
    const probe =
      'kind = "probe"\ninterval = "1s"\nprobe_protocol = "tcp"\nprobe_send = "a"\nprobe_recv = "b"\n';
    expect(serverOf(`[servers.x]\nbind = ":1"\n${STATIC}[servers.x.healthcheck]\n${probe}`)).toMatchObject({
      healthcheck: { probe_strategy: 'starts_with', probe_recv_len: 0 },
    });
    const text = `[defaults]\nmax_connections = 7\nclient_idle_timeout = "5s"\n[servers.x]\nbind = ":1"\nclient_idle_timeout = "1s"\n${STATIC}[servers.x.sni]\n`;
    expect(serverOf(text)).toMatchObject({
      max_connections: 7,
      client_idle_timeout: '1s',
      sni: {
        read_timeout: '2s',
        hostname_matching_strategy: 'exact',
        unexpected_hostname_strategy: 'default',
      },
    });
  });

  it('may leave open what gobetween does not ask for', () => {
    // Of variables that are not set.
    const empty = 'client_idle_timeout = ""\nbackend_connection_timeout = ""\n';
    expect(serverOf(`[servers.x]\nbind = ":1"\n${empty}${STATIC}`)).toMatchObject({
      client_idle_timeout: '0',
      backend_connection_timeout: '0',
    });
    const check = '[servers.x.healthcheck]\nkind = "exec"\ninterval = "1s"\nexec_command = "/bin/true"\n';
    expect(serverOf(`[servers.x]\nbind = ":1"\n${STATIC}${check}`)).toMatchObject({
      healthcheck: { kind: 'exec', initial_status: null },
    });
    const consul = '[servers.x.discovery]\nkind = "consul"\nconsul_service_name = "web"\n';
    expect(serverOf(`[servers.x]\nbind = ":1"\n${consul}`)).toMatchObject({ discovery: { kind: 'consul' } });
  });

  it('end TLS where they have a section for it, whatever the protocol is called', () => {
    const pair = new Authority();
    onTestFinished(() => pair.remove());
    const folder = mkdtempSync(join(tmpdir(), 'muster-gobetween-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { cert, key } = pair.issue({ names: ['x.test'] });
    const [certPath, keyPath] = [join(folder, 'c.pem'), join(folder, 'k.pem')];
    writeFileSync(certPath, cert);
    writeFileSync(keyPath, key);
    const tls = `[servers.x.tls]\ncert_path = "${certPath}"\nkey_path = "${keyPath}"\n`;
    const common = { clock: systemClock, random: () => 0, log: silentLogger };
    const planOf = (head: string) =>
      planServer('x', serverOf(`[servers.x]\nbind = ":1"\n${head}${STATIC}${tls}`), common);
    expect(planOf('').tls).toBeDefined();
    expect(planOf('protocol = "tls"\n').tls).toBeDefined();
    expect(planOf('protocol = "udp"\nclient_idle_timeout = "1s"\n').tls).toBeUndefined();
  });

  it('ask Consul as its variables say where the file does not', async () => {
    let asked: IncomingMessage | undefined;
    const server = createServer((request, response) => {
      asked = request;
      response.end('[]');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    vi.stubEnv('CONSUL_HTTP_ADDR', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv('CONSUL_HTTP_TOKEN', 'secret');
    onTestFinished(() => void vi.unstubAllEnvs());
    const text =
      '[servers.x]\nbind = ":1"\n[servers.x.discovery]\nkind = "consul"\nconsul_service_name = "web"\n';
    const plan = planServer('x', serverOf(text), { clock: systemClock, random: () => 0, log: silentLogger });
    const discovery = plan.discover(() => {});
    await once(server, 'request');
    discovery.stop();
    expect(asked?.url).toBe('/v1/health/service/web');
    expect(asked?.headers['x-consul-token']).toBe('secret');
  });

  it('ask Consul over TLS where its address says so, not with the token in clear text', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const head =
      '[servers.x]\nbind = ":1"\n[servers.x.discovery]\nkind = "consul"\nconsul_service_name = "web"\n';
    vi.stubEnv('CONSUL_HTTP_ADDR', address);
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const host of ['', `consul_host = "${address}"\n`]) {
      const common = { clock: systemClock, random: () => 0, log: silentLogger };
      const connection = once(server, 'connection');
      const discovery = planServer('x', serverOf(head + host), common).discover(() => {});
      const [socket] = (await connection) as [Socket];
      const [first] = (await once(socket, 'data')) as [Buffer];
      // A record of TLS's handshake.
      expect(first[0]).toBe(22);
      discovery.stop();
      socket.destroy();
    }
  });

  it('may have keys that nobody knows, which are named with their place and the nearest one', () => {
    const { warnings } = read(`[servers.x]\nbind = ":1"\nmax_conections = 5\n${STATIC}[surprise]\na = 1\n`);
    expect(warnings).toEqual([
      'lb.toml:3:1: unknown key "max_conections" in servers.x has no effect; did you mean "max_connections"?',
      'lb.toml:7:1: unknown key "surprise" has no effect; known are logging, api, metrics, defaults, acme, profiler, servers',
    ]);
  });

  it('may have keys in any case, and say what is wrong where it stands', () => {
    const text = `[Servers.Web]\nBIND = ":1"\nBalance = "iphash"\nbalance = "leastconn"\nMax_Conections = 5\n[Servers.Web.Discovery]\nKind = "static"\nstatic_List = ["127.0.0.1:1"]\n`;
    const { value, warnings } = read(text);
    expect(value.servers.Web).toMatchObject({
      bind: ':1',
      balance: 'leastconn',
      discovery: { kind: 'static', static_list: ['127.0.0.1:1'] },
    });
    expect(warnings).toEqual([
      'lb.toml:5:1: unknown key "Max_Conections" in servers.Web has no effect; did you mean "max_connections"?',
    ]);
    expect(() => read('[API]\nEnabled = 5\n')).toThrowError(
      'lb.toml:2:11: api.enabled: expected true or false, got 5',
    );
  });

  it('name keys that nobody knows beside what is wrong: it may be there under their name', () => {
    const text = `[servers.x]\nbindd = ":1"\n${STATIC}`;
    const unknown = 'lb.toml:2:1: unknown key "bindd" in servers.x has no effect; did you mean "bind"?';
    expect(() => checkText('lb.toml', text, 'toml')).toThrowError(
      `servers.x: no bind is specified: where it is to listen, "127.0.0.1:3000"\n${unknown}`,
    );
    expect(() => read(`${text}[api]\nenabled = 5\n`)).toThrowError(
      `lb.toml:7:11: api.enabled: expected true or false, got 5\n${unknown}`,
    );
  });

  it('say everything that is wrong with a server at once', () => {
    const text = `[servers.x]\nbind = "nowhere"\nbalance = "roundrobbin"\n${STATIC}failpolicy = "panic"\n[servers.x.access]\nrules = ["refuse 1.2.3.4"]\n`;
    expect(() => serverOf(text)).toThrowError(
      [
        'servers.x: bind: expected host:port such as "127.0.0.1:3000", got "nowhere"',
        'servers.x: balance: "roundrobbin" is not supported; did you mean "roundrobin"?',
        'servers.x: access.rules: bad rule "refuse 1.2.3.4"; expected "allow" or "deny" and an address or a network, "deny 10.0.0.0/8"',
        'servers.x: discovery.failpolicy: "panic" is not supported; known are keeplast, setempty',
      ].join('\n'),
    );
  });

  it('say where a value is of another kind', () => {
    expect(() => read('[servers.x]\nbind = 5\n')).toThrowError(
      'lb.toml:2:8: servers.x.bind: expected a text in quotes, got 5',
    );
    expect(() => read('[servers.x\n')).toThrowError(/^lb\.toml:1:\d+: /);
  });

  it('may have null in JSON for whatever is not there', () => {
    const server = { bind: ':1', balance: null, tls: null, discovery: { kind: 'static', failpolicy: null } };
    const text = JSON.stringify({ logging: null, api: { bind: null }, servers: { x: server } });
    expect(readGobetween('lb.json', text, 'json').value).toMatchObject({
      api: { enabled: false, bind: '' },
      servers: { x: { bind: ':1', balance: '', discovery: { failpolicy: '' } } },
    });
    expect(readServer(server).value).toMatchObject({ protocol: '', balance: '' });
  });

  it('may take variables of the environment', () => {
    expect(substituteEnv(['a $', '{B} c $', '{D}'].join(''), { B: 'b' })).toBe('a b c ');
  });
});

describe('a file that is only checked', () => {
  it.each([
    ['lb.toml', '[servers.x]\nbind = ":1"\n', 'toml'],
    ['lb.json', '{"servers":{}}', 'json'],
    ['muster.toml', '[balancer]\nlisten = []\n', undefined],
    ['broken.toml', '[servers.x', undefined],
  ])('%s is recognised', (name, text, format) => {
    expect(gobetweenFormat(name, text)).toBe(format);
  });

  it('says what is wrong with all of its servers', () => {
    const text = `[api]\nbind = "x"\n[servers.a]\n${STATIC.replaceAll('servers.x', 'servers.a')}[servers.b]\nbind = ":1"\n`;
    expect(() => checkText('lb.toml', text, 'toml')).toThrowError(
      /^servers\.a: no bind .*\nservers\.b: no discovery .*\napi\.bind: expected host:port/,
    );
  });
});

describe('a server as the API tells it', () => {
  const shownOf = (text: string) => shownServer(serverOf(`[servers.x]\nbind = ":1"\n${text}`));

  it('has all that its sections can have', () => {
    expect(shownOf(`protocol = "udp"\nclient_idle_timeout = "1s"\n${STATIC}`)).toEqual({
      max_connections: 0,
      client_idle_timeout: '1s',
      backend_idle_timeout: '0',
      backend_connection_timeout: '0',
      bind: ':1',
      protocol: 'udp',
      balance: 'weight',
      sni: null,
      tls: null,
      backends_tls: null,
      udp: { max_requests: 0, max_responses: 0, transparent: false },
      access: null,
      proxy_protocol: null,
      discovery: {
        kind: 'static',
        failpolicy: 'keeplast',
        interval: '0',
        timeout: '0',
        static_list: ['127.0.0.1:1'],
      },
      healthcheck: {
        kind: 'none',
        interval: '0',
        passes: 1,
        fails: 1,
        timeout: '0',
        initial_status: null,
      },
    });
    const discovery =
      '[servers.x.discovery]\nkind = "json"\njson_endpoint = "http://a/"\njson_port_pattern = "p"\n';
    const check = '[servers.x.healthcheck]\nkind = "exec"\ninterval = "1s"\nexec_command = "/bin/true"\n';
    const shown = shownOf(`${discovery}${check}[servers.x.backends_tls]\n`);
    expect(shown.backends_tls).toEqual({
      ignore_verify: false,
      root_ca_cert_path: null,
      cert_path: null,
      key_path: null,
      ciphers: null,
      min_version: '',
      max_version: '',
      session_tickets: false,
    });
    expect(shown.discovery).toMatchObject({
      json_endpoint: 'http://a/',
      json_host_pattern: 'host',
      json_port_pattern: 'p',
    });
    expect(shown.discovery).not.toHaveProperty('srv_lookup_server');
    expect(shown.healthcheck).toMatchObject({ exec_command: '/bin/true', exec_expected_positive_output: '' });
  });

  it.each(['srv', 'json', 'plaintext', 'consul', 'docker', 'exec'])('is read again: %s', (kind) => {
    const needed: Record<string, string> = {
      srv: 'srv_lookup_server = "127.0.0.1:53"\nsrv_lookup_pattern = "x."',
      json: 'json_endpoint = "http://a/"',
      plaintext: 'plaintext_endpoint = "http://a/"',
      consul: 'consul_service_name = "x"',
      docker: 'docker_endpoint = "http://a"\ndocker_container_private_port = 80',
      exec: 'exec_command = ["a"]',
    };
    const { value } = read(
      `[servers.x]\nbind = ":1"\n[servers.x.discovery]\nkind = "${kind}"\n${needed[kind]}\n`,
    );
    const servers = new Map([['x', prepareServer('x', value.servers.x!, value.defaults)]]);
    const shown = shownConfig(value, servers);
    const again = readGobetween('lb.json', JSON.stringify(shown), 'json');
    expect(again.warnings).toEqual([]);
    expect(shownServer(prepareServer('x', again.value.servers.x!, {}))).toEqual(
      shownServer(servers.get('x')!),
    );
  });
});

describe('a check by a program', () => {
  it('is given a host of IPv6 in brackets, as it stands in front of a port', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-gobetween-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const command = join(folder, 'check.sh');
    writeFileSync(command, '#!/bin/sh\nprintf "%s:%s" "$1" "$2"\n', { mode: 0o755 });
    const settings = `kind = "exec"\ninterval = "1s"\nexec_command = "${command}"\nexec_expected_positive_output = "[::1]:80"\n`;
    const { healthcheck } = serverOf(
      `[servers.x]\nbind = ":1"\n${STATIC}[servers.x.healthcheck]\n${settings}`,
    );
    const instance = instanceOf(parseStaticUpstream('[::1]:80')!, 'static', 'x');
    const probe = checkPlan(healthcheck)?.probe(instance);
    const context = { signal: new AbortController().signal, outputMaxSize: 100 };
    if (probe?.mode !== 'probe') throw new Error('it is no probe');
    expect(await probe.probe({ ...EMPTY_SPEC, timeout: 30_000 }, context)).toMatchObject({
      status: 'passing',
    });
  });
});

describe('names of TLS', () => {
  it('those that nobody knows are left out', () => {
    expect(tlsManner({ min_version: 'ssl3', max_version: 'tls1.2', ciphers: ['x'] })).toEqual({
      maxVersion: 'TLSv1.2',
    });
  });
});

describe('the REST API', () => {
  const source = {
    servers: {
      all: () => ({}),
      get: () => undefined,
      create: async () => {},
      delete() {},
      stats: () => undefined,
      dump: () => '',
    },
    version: '1',
    startedAt: 0,
    configuration: {},
    basicAuth: undefined,
    cors: false,
  };

  it('does not let web pages change anything unless told to', async () => {
    const call = (cors: boolean) =>
      restReply(
        { ...source, cors },
        { method: 'POST', url: '/servers/x', headers: { origin: 'http://evil.test' } },
        '{}',
      );
    expect((await call(false)).status).toBe(403);
    expect((await call(true)).status).toBe(200);
  });

  it.each([
    ['GET', '/', 200, undefined],
    ['GET', '//', 301, '/'],
    // Two slashes begin no host.
    ['GET', '//servers', 404, undefined],
    ['GET', '/servers/a/b/c', 404, undefined],
    ['GET', '/nothing/', 404, undefined],
    // A slash too many leads where there is none.
    ['GET', '/servers/?a=b', 301, '/servers?a=b'],
    ['GET', '/servers/a/stats/', 301, '/servers/a/stats'],
    ['GET', '/ping/', 301, '/ping'],
    ['POST', '/servers/a/', 307, '/servers/a'],
    ['PUT', '/servers/a/', 404, undefined],
  ])('answers %s %s with %i', async (method, url, status, location) => {
    const reply = await restReply(source, { method, url, headers: {} }, '{}');
    expect([reply.status, reply.headers.location]).toEqual([status, location]);
  });
});
