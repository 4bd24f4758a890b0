import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../group/autoscale/spec.ts';
import { autoscaleSchema } from './autoscale.ts';
import { faultsOf } from './read.test-support.ts';
import { parseConfigText, readConfig } from './read.ts';

describe('a configuration that is right', () => {
  it('has every default filled in', () => {
    const config = readConfig([]);
    expect(config.ports).toMatchObject({ http: 8500, dns: 8600 });
    expect(config.node.client).toEqual(['127.0.0.1']);
    expect(config.balancer).toMatchObject({
      strategy: 'rr',
      drainTimeout: 30_000,
      limits: { connectTimeout: 3000, maxHead: 32_768 },
    });
    expect(config.group).toEqual([]);
  });

  it('has those of an autoscaler that the simulator takes, too', () => {
    const signal = [{ kind: 'cpu' as const, target: 1 }];
    expect(autoscaleSchema.parse({ max: 3, signal })).toEqual({ ...DEFAULTS, max: 3, signal });
  });

  it('reads durations, sizes and port ranges, and leaves free keys as they are', () => {
    const config = readConfig([
      parseConfigText(
        '/etc/m/muster.toml',
        `
[node]
data_dir = "data"
client = "127.0.0.1 ::1"
meta = { rack_no = "7" }
[api]
kv_max_value_size = "1MB"
[[group]]
name = "hello"
command = ["node", "hello.mjs"]
cwd = "../apps"
env = { HELLO_WORK_MS = "5" }
port_range = "21000-21999"
stop_timeout = "1m30s"
`,
      ),
    ]);
    expect(config.node.dataDir).toBe('/etc/m/data');
    expect(config.node.client).toEqual(['127.0.0.1', '::1']);
    expect(config.node.meta).toEqual({ rack_no: '7' });
    expect(config.api.kvMaxValueSize).toBe(1_048_576);
    expect(config.group[0]).toMatchObject({
      cwd: '/etc/apps',
      env: { HELLO_WORK_MS: '5' },
      portRange: { first: 21_000, last: 21_999 },
      stopTimeout: 90_000,
      replicas: 1,
    });
  });

  it('every file that it names is relative to it', () => {
    const config = readConfig([
      parseConfigText(
        '/etc/m/muster.toml',
        `
[log]
file = "logs/"
[store.etcd]
endpoints = ["https://10.0.0.1:2379"]
ca_file = "etcd/ca.pem"
cert_file = "etcd/me.pem"
key_file = "/keys/me.pem"
[registrator]
cert_path = "docker"
[[group]]
name = "web"
driver = "gce-mig"
service = "web"
gce = { project = "shop-1", zone = "europe-west3-a", name = "web-group", credentials = "account.json" }
[balancer]
access_log = { target = "stdout" }
[[balancer.certificates]]
kind = "kv"
cert = "certs"
[[balancer.certificates]]
kind = "path"
cert = "certs"
[[haproxy]]
socket = "127.0.0.1:9000"
backend = "web"
service = "web"
`,
      ),
    ]);
    expect(config.log.file).toBe('/etc/m/logs/');
    expect(config.store.etcd).toMatchObject({
      caFile: '/etc/m/etcd/ca.pem',
      certFile: '/etc/m/etcd/me.pem',
      keyFile: '/keys/me.pem',
    });
    expect(config.registrator.certPath).toBe('/etc/m/docker');
    expect(config.group[0]).toMatchObject({ cwd: '/etc/m', gce: { credentials: '/etc/m/account.json' } });
    expect(config.balancer.accessLog?.target).toBe('stdout');
    expect(config.balancer.certificates.map(({ cert }) => cert)).toEqual(['certs', '/etc/m/certs']);
    expect(config.haproxy[0]?.socket).toBe('127.0.0.1:9000');
  });

  it('a directory that is none is an error, with its place', () => {
    const faults = faultsOf('[[group]]\nname = "web"\ncommand = ["web"]\ncwd = 5\n');
    expect(faults).toEqual([
      expect.stringMatching(/^muster\.toml:4:7: group\[0\]\.cwd: expected a text in quotes, got 5$/),
    ]);
  });

  it('later sources win; tables are merged, lists of tables add up, other lists are replaced', () => {
    const config = readConfig([
      parseConfigText(
        'a.toml',
        '[dns]\ndomain = "a"\n[api]\nblock_endpoints = ["/a"]\n[[service]]\nname = "one"\n',
      ),
      parseConfigText(
        'b.json',
        '{"api": {"block_endpoints": ["/b"]}, "dns": {"only_passing": true}, "service": [{"name": "two"}]}',
      ),
    ]);
    expect(config.dns).toMatchObject({ domain: 'a', onlyPassing: true });
    expect(config.api.blockEndpoints).toEqual(['/b']);
    expect(config.service.map((service) => service.name)).toEqual(['one', 'two']);
  });
});

describe('a configuration that is wrong', () => {
  it('names the nearest known key, with file, line and column', () => {
    expect(faultsOf('[[group]]\nname = "a"\ncommand = ["x"]\n  repicas = 3\n')).toEqual([
      'muster.toml:4:3: unknown key "repicas" in group[0]; did you mean "replicas"?',
    ]);
    expect(faultsOf('{\n "dns": {\n  "onlyPassing": true }}', 'm.json')).toEqual([
      'm.json:3:3: unknown key "onlyPassing" in dns; did you mean "only_passing"?',
    ]);
    expect(faultsOf('[weather]\n')[0]).toMatch(/^muster\.toml:1:1: unknown key "weather"; known are node, /);
  });

  it('says everything at once, each with its place', () => {
    expect(
      faultsOf(
        [
          '[node]',
          'dev = "yes"',
          '[balancer]',
          'strategy = "leastcon"',
          'drain_timeout = "5"',
          'listen = ["127.0.0.1:9999", "nonsense"]',
          '[ports]',
          'http = 70000',
          '[[group]]',
          'command = []',
        ].join('\n'),
      ).sort(),
    ).toEqual([
      'muster.toml:10:11: group[0].command: must not be empty',
      'muster.toml:2:7: node.dev: expected true or false, got "yes"',
      'muster.toml:4:12: balancer.strategy: expected one of "rr", "rnd", "leastconn", "weight", "leastbandwidth", "p2c-ewma", "iphash", "maglev", "rendezvous", got "leastcon"; did you mean "leastconn"?',
      'muster.toml:5:17: balancer.drain_timeout: expected a duration such as "10s" or "1m30s", got "5"',
      'muster.toml:6:29: balancer.listen[1]: expected host:port such as "127.0.0.1:9999", got "nonsense"',
      'muster.toml:8:8: ports.http: expected at most 65535, got 70000',
      'muster.toml:9:1: group[0].name: is required',
    ]);
  });

  it('places of a second file are its own', () => {
    try {
      readConfig([
        parseConfigText('a.toml', '[[service]]\nname = "one"\n'),
        parseConfigText('b.toml', '\n\n[[service]]\nname = 2\n'),
      ]);
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).toBe('b.toml:4:8: service[1].name: expected a text in quotes, got 2');
    }
  });

  it('a check says what it lacks', () => {
    expect(faultsOf('[[check]]\nname = "x"\nhttp = "http://127.0.0.1/"\n')[0]).toBe(
      'muster.toml:1:1: check[0]: a check by http needs an interval, such as interval = "10s"',
    );
  });

  it('syntax errors have their place', () => {
    expect(() => parseConfigText('m.toml', 'a = 1\nb = [1, 2\n')).toThrowError(/^m\.toml:\d+:\d+: /);
    expect(() => parseConfigText('m.json', '{"a": }')).toThrowError(
      'm.json:1:7: expected a value, found "}"',
    );
    // Consul's own test tools begin with an empty file.
    expect(readConfig([parseConfigText('m.json', '\n')])).toEqual(
      readConfig([parseConfigText('m.json', '{}')]),
    );
    expect(() => parseConfigText('m.ini', '')).toThrowError(/has to end in \.toml, \.json or \.hcl/);
  });

  it.each(['constructor', '__proto__', 'toString'])('%s is no key', (key) => {
    expect(faultsOf(`${JSON.stringify(key)} = 1\n`)).toHaveLength(1);
  });
});
