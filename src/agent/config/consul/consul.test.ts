import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMusterError } from '../../../errors.ts';
import { type ConfigSource, parseConfigText, readWritten } from '../read.ts';
import { CONSUL_KEYS } from './keys.ts';

const read = (...files: [string, string][]) =>
  readWritten(files.map(([file, text]): ConfigSource => parseConfigText(file, text)));
const hcl = (text: string) => read(['c.hcl', text]);
const json = (value: unknown) => read(['c.json', JSON.stringify(value)]);

describe('a file of Consul', () => {
  it('names keys that nobody knows beside what is wrong: it may be there under their name', () => {
    expect(() => json({ services: [{ nme: 'web', port: 80 }] })).toThrowError(
      'c.json:1:14: service[0].name: is required\nc.json:1:15: unknown key "nme" in services; did you mean "name"?',
    );
  });

  it("may ask for HTTPS and give no certificate, as Consul's own test tools do", () => {
    const { config, warnings } = hcl('node_name = "n1"\nports { https = 8501 }\n');
    expect(config.ports.https).toBe(-1);
    expect(warnings).toEqual([
      'c.hcl:2:9: ports.https has no effect without a certificate (cert_file and key_file)',
    ]);
    const files = ['cert_file', 'key_file'].map((key) => `${key} = "x.pem"\n`).join('');
    expect(hcl(`ports { https = 8501 }\n${files}`).config.ports.https).toBe(8501);
  });

  it('names files relative to where the program was started, as in Consul', () => {
    const { config } = json({ data_dir: 'data', cert_file: '../agent.pem', key_file: '/etc/agent-key.pem' });
    expect(config.node.dataDir).toBe(path.resolve('data'));
    expect(config.api.tls).toMatchObject({ cert: path.resolve('../agent.pem'), key: '/etc/agent-key.pem' });
  });

  it('takes effect, as JSON and as HCL', () => {
    const both = [
      json({
        node_name: 'n1',
        datacenter: 'DC2',
        bind_addr: '127.0.0.2',
        client_addr: '127.0.0.1 ::1',
        addresses: { dns: '127.0.0.3' },
        ports: { http: 1, dns: -1 },
        domain: 'd.test',
        dns_config: { service_ttl: { web: '5s' }, soa: { min_ttl: 9 } },
        http_config: { response_headers: { 'X-A': 'b' }, use_cache: false },
        limits: { kv_max_value_size: 1024, txn_max_req_len: 2048 },
        session_ttl_min: '1s',
        telemetry: { prometheus_retention_time: '1h' },
        log_level: 'ERR',
        enable_script_checks: true,
      }),
      hcl(`
        node_name = "n1"        # a comment
        datacenter = "DC2"      // another
        bind_addr = "127.0.0.2" /* and another */
        client_addr = "127.0.0.1 ::1"
        addresses { dns = "127.0.0.3" }
        ports { http = 1 }
        ports = { dns = -1 }
        domain = <<EOT
d.test
EOT
        dns_config { service_ttl { web = "5s" } soa { min_ttl = 9 } }
        http_config { response_headers { X-A = "b" } use_cache = false }
        limits { kv_max_value_size = 1024, txn_max_req_len = 2048 }
        session_ttl_min = "1s"
        telemetry { prometheus_retention_time = "1h" }
        log_level = "ERR"
        enable_script_checks = true
      `),
    ];
    for (const [at, { config, warnings }] of both.entries()) {
      expect(warnings).toEqual([]);
      expect(config.node).toMatchObject({
        name: 'n1',
        datacenter: 'dc2',
        bind: '127.0.0.2',
        client: ['127.0.0.1', '::1'],
      });
      expect(config.ports).toMatchObject({ http: 1, dns: -1, server: 8300 });
      expect(config.dns).toMatchObject({
        domain: at === 0 ? 'd.test' : 'd.test\n',
        address: ['127.0.0.3'],
        serviceTtl: { web: 5000 },
        soa: { minTtl: 9, retry: 600 },
      });
      expect(config.api).toMatchObject({
        responseHeaders: { 'X-A': 'b' },
        useCache: false,
        kvMaxValueSize: 1024,
        txnMaxReqLen: 2048,
        sessionTtlMin: 1000,
      });
      expect(config.telemetry.prometheusRetentionTime).toBe(3_600_000);
      expect(config.log.level).toBe('error');
      expect(config.health.enableScriptChecks).toBe(true);
    }
  });

  it('defines services and checks in snake_case, in CamelCase, as blocks and as lists', () => {
    const { config, warnings } = hcl(`
      service {
        name = "a"
        tagged_addresses { lan { address = "10.0.0.1" port = 80 } }
        meta { some_key = "kept" }
        check { id = "c1" http = "http://x/" interval = "10s" timeout = "0s" header { X-Y = ["z"] } }
        check { CheckID = "c2" TTL = "10s" DeregisterCriticalServiceAfter = "1m" }
      }
      service { Name = "b" EnableTagOverride = true Weights { Passing = 3 } Check { ScriptArgs = ["x"] Interval = "1s" } }
      services = [{ name = "c", checks = [{ alias_service = "a" }, { grpc = "h:1/s", grpc_use_tls = true, interval = "1s" }] }]
      check { name = "n" tcp = "h:1" interval = "10s" service_id = "a" }
      checks = [{ name = "m", ttl = "1m" }]
    `);
    expect(warnings).toEqual([]);
    expect(config.service).toMatchObject([
      {
        name: 'a',
        taggedAddresses: { lan: { address: '10.0.0.1', port: 80 } },
        meta: { some_key: 'kept' },
        checks: [
          { id: 'c1', header: { 'X-Y': ['z'] }, interval: 10_000 },
          { id: 'c2', ttl: 10_000, deregisterCriticalServiceAfter: 60_000 },
        ],
      },
      { name: 'b', enableTagOverride: true, weights: { passing: 3 }, check: { args: ['x'], interval: 1000 } },
      { name: 'c', checks: [{ aliasService: 'a' }, { grpc: 'h:1/s', grpcUseTls: true }] },
    ]);
    expect(config.check).toMatchObject([
      { name: 'n', tcp: 'h:1', serviceId: 'a' },
      { name: 'm', ttl: 60_000 },
    ]);
  });

  it('lists of several files add up, other values are those of the last', () => {
    const { config } = read(
      [
        'a.json',
        '{"http_config": {"block_endpoints": ["/a"]}, "log_level": "warn", "service": {"name": "one"}}',
      ],
      ['b.hcl', 'http_config { block_endpoints = ["/b"] }\nlog_level = "debug"\nservice { name = "two" }\n'],
    );
    expect(config.api.blockEndpoints).toEqual(['/a', '/b']);
    expect(config.log.level).toBe('debug');
    expect(config.service.map(({ name }) => name)).toEqual(['one', 'two']);
  });

  it('says what has no effect and what nobody knows, with the place, and goes on', () => {
    const text = [
      'segment = "x"',
      'server = true',
      'ports { grpc = 8502 htp = 1 }',
      'node_nam = "n"',
      'service { name = "a" prot = 1 connect { native = true } }',
    ].join('\n');
    expect(hcl(text).warnings).toEqual([
      expect.stringMatching(/^c\.hcl:1:1: segment has no effect: /),
      expect.stringMatching(/^c\.hcl:3:9: ports\.grpc has no effect: .*mesh/),
      'c.hcl:3:21: unknown key "htp" in ports; did you mean "http"?',
      'c.hcl:4:1: unknown key "node_nam"; did you mean "node_name"?',
      'c.hcl:5:22: unknown key "prot" in service; did you mean "port"?',
      expect.stringMatching(/^c\.hcl:5:31: service\.connect has no effect: .*mesh/),
    ]);
  });

  it.each([
    ['acl { enabeld = true }', 'c.hcl:1:7: unknown key "enabeld" in acl; did you mean "enabled"?'],
    [
      'acl { tokens { agnet = "x" } }',
      'c.hcl:1:16: unknown key "agnet" in acl.tokens; did you mean "agent"?',
    ],
    ['acls { enabled = true }', 'c.hcl:1:1: unknown key "acls"; did you mean "acl"?'],
    ['acl = true', 'c.hcl:1:1: acl: expected a table'],
  ])('is refused where a slip would leave access open: %s', (text, fault) => {
    expect(() => hcl(text)).toThrow(fault);
  });

  it('takes what is empty for not given', () => {
    const { config, warnings } = json({
      encrypt: '',
      data_dir: '',
      retry_join: [],
      audit: {},
      segments: null,
      node_name: 'n',
      service: { name: 'a', id: '', address: '', check: {} },
    });
    expect(warnings).toEqual([]);
    expect(config.node).toMatchObject({ name: 'n' });
    expect(config.node.dataDir).toBeUndefined();
    expect(config.service.map(({ name, id, checks }) => [name, id, checks])).toEqual([['a', undefined, []]]);
  });

  it('what is wrong with a value has the place in the file as it was written', () => {
    const faults = (file: string, text: string) => {
      try {
        read([file, text]);
      } catch (error) {
        if (isMusterError(error, 'config.invalid')) return error.message.split('\n');
        throw error;
      }
      return [];
    };
    expect(
      faults(
        'c.hcl',
        'dns_config {\n  node_ttl = "soon"\n}\nservices = [{ name = "a" }, { port = "x" name = "b" }]',
      ),
    ).toEqual([
      'c.hcl:2:3: dns.node_ttl: expected a duration such as "10s" or "1m30s", got "soon"',
      'c.hcl:4:31: service[1].port: expected a number, got "x"',
    ]);
    expect(
      faults('c.json', '{"checks": [\n {"name": "a", "ttl": "1m"},\n {"name": "b",\n  "TTL": "x"}]}'),
    ).toEqual([expect.stringMatching(/^c\.json:4:10: check\[1\]\.ttl: /)]);
    expect(faults('c.hcl', 'a = \n  [1')).toEqual([expect.stringMatching(/^c\.hcl:2:5: /)]);
  });

  it.each([
    [{ bind_addr: '1.1.1.1 2.2.2.2' }, 'node.bind: expected one address'],
    [{ bind_addr: 'unix:///x' }, 'node.bind: expected one address'],
    [{ advertise_addr: '0.0.0.0' }, 'node.advertise: expected an address that others can reach'],
    [{ recursors: ['::'] }, 'dns.recursors[0]: expected the address of a name server'],
    [{ bootstrap_expect: 3 }, 'cluster.bootstrap_expect: is for servers'],
    [{ encrypt: 'this is not a valid key' }, 'cluster.encrypt: a key of the cluster is'],
    [{ client_addr: '1.2.3.4', ports: { dns: 1000, http: 1000 } }, '1.2.3.4:1000 is taken by dns already'],
    [
      { ports: { http: 1000, https: 1000 }, cert_file: 'c', key_file: 'k' },
      '127.0.0.1:1000 is taken by http already',
    ],
  ])('is refused where Consul refuses it: %j', (value, fault) => {
    expect(() => json(value)).toThrow(fault);
  });

  it.each([
    [{ addresses: { dns: '1.1.1.1', http: '1.1.1.2' }, ports: { dns: 1000, http: 1000 } }],
    [{ ports: { dns: -1, http: -2, https: -3, serf_wan: -4 } }],
    [{ acl_enforce_version_8: true }],
  ])('is taken where Consul takes it: %j', (value) => {
    json(value);
  });

  it('says who may write, how long reads block, and whether output is kept', () => {
    const { config, warnings } = json({
      http_config: { allow_write_http_from: ['127.0.0.0/8', '::1/128'] },
      default_query_time: '20s',
      max_query_time: '30s',
      discard_check_output: true,
    });
    expect(warnings).toEqual([]);
    expect(config.api).toMatchObject({ defaultQueryTime: 20_000, maxQueryTime: 30_000 });
    expect(config.api.allowWriteFrom.map(({ bits }) => bits)).toEqual([8, 128]);
    expect(config.health.discardCheckOutput).toBe(true);
    expect(() => json({ http_config: { allow_write_http_from: ['nowhere'] } })).toThrow(
      'api.allow_write_from[0]: expected a range of addresses',
    );
  });

  it('has templates in lists, of which each may stand for several', () => {
    const template = (text: string) => `{{ printf "${text}" }}`;
    const { config } = json({
      recursors: [template('5.6.7.8:9999'), template('1.2.3.4 5.6.7.8:9999')],
      retry_join: [template('1.2.3.4 4.3.2.1'), 'exec:a b'],
      ports: { http: -2 },
    });
    expect(config.dns.recursors.map(({ host }) => host)).toEqual(['5.6.7.8', '1.2.3.4']);
    expect(config.cluster.retryJoin).toEqual(['1.2.3.4', '4.3.2.1', 'exec:a b']);
    expect(config.ports.http).toBe(-1);
  });

  it('wants no dashboard unless it says so, except with -dev', () => {
    const ui = (...values: [string, string][]) => read(...values).config.api.ui;
    expect(ui(['c.json', '{"server": true}'])).toBe(false);
    expect(ui(['c.json', '{"ui_config": {"enabled": true}}'])).toBe(true);
    expect(ui(['c.json', '{"server": true}'], ['m.toml', '[node]\ndev = true\n'])).toBe(true);
    expect(ui(['m.toml', ''])).toBe(true);
  });
});

it('a JSON file is known by its keys', () => {
  const isOurs = (value: unknown) => parseConfigText('c.json', JSON.stringify(value)).isConsul === undefined;
  expect(isOurs({ node: { name: 'a' } })).toBe(true);
  expect(isOurs({ service: [{ name: 'a' }] })).toBe(true);
  expect(isOurs({ nonsense: 1 })).toBe(true);
  expect(isOurs({ service: { name: 'a' } })).toBe(false);
  expect(isOurs({ services: [] })).toBe(false);
  expect(isOurs({ NodeName: 'a', ports: {} })).toBe(false);
  expect(isOurs({ ports: { grpc: 1 } })).toBe(false);
});

it('every key is taken whatever its value, with a warning or an error that has a place', () => {
  const value = fc.oneof(
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.constant(null),
    fc.array(fc.string(), { maxLength: 2 }),
    fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
  );
  const key = fc.oneof(fc.constantFrom(...Object.keys(CONSUL_KEYS)), fc.string());
  fc.assert(
    fc.property(fc.dictionary(key, value, { minKeys: 1, maxKeys: 4 }), (file) => {
      // One key for certain, so that the file is known for Consul's.
      const text = JSON.stringify({ ...file, node_name: 'n' }, undefined, 1);
      const { value: theirs } = { value: JSON.parse(text) as object };
      try {
        const { warnings } = read(['c.json', text]);
        for (const warning of warnings) expect(warning).toMatch(/^c\.json:\d+:\d+: /);
      } catch (error) {
        if (!isMusterError(error, 'config.invalid')) throw error;
        // A key that only Muster has makes it a file of ours.
        if (['node', 'dns', 'api', 'health', 'balancer', 'log', 'group'].some((own) => own in theirs)) return;
        for (const fault of error.message.split('\n')) expect(fault).toMatch(/^c\.json:\d+:\d+: /);
      }
    }),
    { numRuns: 300 },
  );
});
