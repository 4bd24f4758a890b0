import { describe, expect, it } from 'vitest';
import { type CheckSpec, EMPTY_SPEC } from '../health/spec.ts';
import { parseConfigText, readConfig } from './config/read.ts';
import { definitionsOf } from './definitions.ts';

const definitions = (text: string) => definitionsOf(readConfig([parseConfigText('muster.toml', text)]));

/** One check of each kind, which together say everything that a check can say. */
const CHECKS: readonly [string, Partial<CheckSpec>][] = [
  [
    `http = "https://127.0.0.1/"
     method = "POST"
     header = { X-Probe = ["a"] }
     body = "ping"
     tls_server_name = "web.example"
     tls_skip_verify = true
     disable_redirects = true
     interval = "10s"
     timeout = "2s"
     deregister_critical_service_after = "90m"
     output_max_size = "1KB"
     success_before_passing = 2
     failures_before_warning = 3
     failures_before_critical = 4`,
    {
      http: 'https://127.0.0.1/',
      method: 'POST',
      header: { 'X-Probe': ['a'] },
      body: 'ping',
      tlsServerName: 'web.example',
      tlsSkipVerify: true,
      disableRedirects: true,
      interval: 10_000,
      timeout: 2000,
      deregisterCriticalServiceAfter: 5_400_000,
      outputMaxSize: 1024,
      successBeforePassing: 2,
      failuresBeforeWarning: 3,
      failuresBeforeCritical: 4,
    },
  ],
  ['tcp = "a:1"\ninterval = "1s"', { tcp: 'a:1', interval: 1000 }],
  ['udp = "a:1"\ninterval = "1s"', { udp: 'a:1', interval: 1000 }],
  [
    'grpc = "a:1/s"\ngrpc_use_tls = true\ninterval = "1s"',
    { grpc: 'a:1/s', grpcUseTls: true, interval: 1000 },
  ],
  [
    'h2ping = "a:1"\nh2ping_use_tls = false\ninterval = "1s"',
    { h2ping: 'a:1', h2pingUseTls: false, interval: 1000 },
  ],
  [
    'args = ["a && b"]\nshell = "/bin/sh"\ndocker_container_id = "c"\ninterval = "1s"',
    { args: ['a && b'], shell: '/bin/sh', dockerContainerId: 'c', interval: 1000 },
  ],
  ['ttl = "30s"', { ttl: 30_000 }],
  ['alias_service = "db"\nalias_node = "n2"', { aliasService: 'db', aliasNode: 'n2' }],
];

describe('definitions of the configuration', () => {
  it.each(CHECKS)('a check keeps all that it says: %s', (text, spec) => {
    const { checks } = definitions(`[[check]]\nname = "c"\n${text}\n`);
    expect(checks[0]?.spec).toEqual({ ...EMPTY_SPEC, method: 'GET', ...spec });
  });

  it('can say everything that the API can', () => {
    const said = new Set(CHECKS.flatMap(([, spec]) => Object.keys(spec)));
    expect(Object.keys(EMPTY_SPEC).filter((field) => !said.has(field))).toEqual([]);
  });

  it('a check belongs to the node, or to a service that it names', () => {
    const { checks } = definitions(`
[[check]]
id = "disk"
notes = "of the node"
ttl = "1m"
[[check]]
name = "of a service"
service_id = "web-1"
status = "passing"
ttl = "1m"
`);
    expect(checks).toMatchObject([
      { id: 'disk', name: 'disk', notes: 'of the node', status: 'critical', serviceId: '' },
      { id: 'of a service', name: 'of a service', status: 'passing', serviceId: 'web-1' },
    ]);
  });

  it('a service keeps all that it says', () => {
    const { services } = definitions(`
[[service]]
id = "web-1"
name = "web"
kind = "gateway"
address = "10.0.0.1"
port = 80
tags = ["a"]
socket_path = "/run/web"
enable_tag_override = true
meta = { rack_no = "7" }
weights = { passing = 2, warning = 0 }
tagged_addresses = { lan_v4 = { address = "10.0.0.1", port = 80 } }
check = { ttl = "1m" }
checks = [{ tcp = "a:1", interval = "1s" }]
`);
    expect(services).toMatchObject([
      {
        id: 'web-1',
        name: 'web',
        kind: 'gateway',
        address: '10.0.0.1',
        port: 80,
        tags: ['a'],
        socketPath: '/run/web',
        enableTagOverride: true,
        meta: { rack_no: '7' },
        weights: { passing: 2, warning: 0 },
        taggedAddresses: { lan_v4: { address: '10.0.0.1', port: 80 } },
        // As Consul numbers them: "service:web:1" is the first of the list, the single one is behind it.
        checks: [{ spec: { tcp: 'a:1' } }, { spec: { ttl: 60_000 } }],
      },
    ]);
  });
});
