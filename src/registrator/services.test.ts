import { describe, expect, it } from 'vitest';
import type { ContainerDetails } from '../docker/types.ts';
import { DEFAULT_OPTIONS, type RegistratorOptions } from './options.ts';
import { type Found, type Surroundings, servicesOf } from './services.ts';

type Parts = {
  name?: string;
  image?: string;
  env?: string[];
  labels?: Record<string, string>;
  exposed?: string[];
  /** "80/tcp" to "10.0.0.1:8080", ":8080" or null. */
  ports?: Record<string, string | null>;
  mode?: string;
  networks?: Record<string, { NetworkID?: string; IPAddress?: string; GlobalIPv6Address?: string }>;
  address?: string;
  health?: string;
};

function container(parts: Parts = {}): ContainerDetails {
  const { name = 'redis.0', image = 'progrium/redis', env = [], labels = {}, mode = 'default' } = parts;
  const exposed = [...(parts.exposed ?? []), ...Object.keys(parts.ports ?? {})];
  return {
    Id: 'e20f9c1a76565d62ae24a3bb877b17b862b6eab94f4e95a0e07ccf25087aaf4f',
    Name: `/${name}`,
    Config: {
      Image: image,
      Env: env,
      Labels: labels,
      ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])),
    },
    HostConfig: { NetworkMode: mode },
    NetworkSettings: {
      IPAddress: parts.address ?? '',
      Networks: parts.networks ?? {},
      Ports: Object.fromEntries(
        Object.entries(parts.ports ?? {}).map(([port, text]) => {
          const [, HostIp = '', HostPort = ''] = /^(.*):(\d+)$/.exec(text ?? '') ?? [];
          return [port, text === null ? null : [{ HostIp, HostPort }]];
        }),
      ),
    },
    State: { Running: true, ...(parts.health === undefined ? {} : { Health: { Status: parts.health } }) },
  };
}

function find(
  parts: Parts,
  options: Partial<RegistratorOptions> = {},
  more: Partial<Surroundings> = {},
): Found {
  return servicesOf(container(parts), {
    options: { ...DEFAULT_OPTIONS, hostname: 'hostname', ...options },
    hostAddress: '192.168.1.102',
    nodeAddress: '192.168.1.102',
    extraTags: [],
    ...more,
  });
}

/** The fields that registrator's own documentation shows. */
const shown = ({ services }: Found) =>
  services.map(({ id, name, port, address, tags, meta }) => ({ id, name, port, address, tags, meta }));

const DB = { id: 'hostname:redis.0:6379', port: 10_000, address: '192.168.1.102' };

describe("registrator's own examples", () => {
  const ports = { '6379/tcp': '0.0.0.0:10000' };

  it('a single service with defaults', () => {
    expect(shown(find({ ports }))).toEqual([{ ...DB, name: 'redis', tags: [], meta: {} }]);
  });

  it.each([
    ['environment', { env: ['SERVICE_NAME=db', 'SERVICE_TAGS=master,backups', 'SERVICE_REGION=us2'] }],
    ['labels', { labels: { SERVICE_NAME: 'db', SERVICE_TAGS: 'master,backups', SERVICE_REGION: 'us2' } }],
  ])('a single service with metadata in its %s', (_, given) => {
    expect(shown(find({ ports, ...given }))).toEqual([
      { ...DB, name: 'db', tags: ['master', 'backups'], meta: { region: 'us2' } },
    ]);
  });

  it('several services with defaults', () => {
    const both = { '443/tcp': '0.0.0.0:4443', '80/tcp': '0.0.0.0:8000' };
    expect(shown(find({ name: 'nginx.0', image: 'progrium/nginx:1.2', ports: both }))).toEqual([
      {
        id: 'hostname:nginx.0:80',
        name: 'nginx-80',
        port: 8000,
        address: '192.168.1.102',
        tags: [],
        meta: {},
      },
      {
        id: 'hostname:nginx.0:443',
        name: 'nginx-443',
        port: 4443,
        address: '192.168.1.102',
        tags: [],
        meta: {},
      },
    ]);
  });

  it('several services with metadata', () => {
    const both = { '443/tcp': '0.0.0.0:4443', '80/tcp': '0.0.0.0:8000' };
    const env = [
      'SERVICE_443_NAME=https',
      'SERVICE_443_ID=https.12345',
      'SERVICE_443_SNI=enabled',
      'SERVICE_80_NAME=http',
      'SERVICE_TAGS=www',
    ];
    expect(shown(find({ name: 'nginx.0', ports: both, env }))).toEqual([
      {
        id: 'hostname:nginx.0:80',
        name: 'http',
        port: 8000,
        address: '192.168.1.102',
        tags: ['www'],
        meta: {},
      },
      {
        id: 'https.12345',
        name: 'https',
        port: 4443,
        address: '192.168.1.102',
        tags: ['www'],
        // The ID no longer says whose it is.
        meta: { sni: 'enabled', 'registrator-host': 'hostname' },
      },
    ]);
  });
});

describe('names', () => {
  it.each([
    ['localhost:5000/team/web:1.2@sha256:00', 'web'],
    ['web', 'web'],
    ['team/web@sha256:00', 'web'],
    // Named by their sum alone, as by some versions of Compose: registrator calls them all "sha256".
    ['sha256:e20f9c1a76565d62ae24a3bb877b17b862b6eab94f4e95a0e07ccf25087aaf4f', 'redis.0'],
    ['', 'redis.0'],
  ])('of the image %j: %s', (image, name) => {
    expect(find({ image, ports: { '80/tcp': ':80' } }).services[0]?.name).toBe(name);
  });

  it("of an image without one are the service's in Compose", () => {
    const labels = { 'com.docker.compose.service': 'cache' };
    const name = (image: string) => find({ image, labels, ports: { '80/tcp': ':80' } }).services[0]?.name;
    expect([name('sha256:00'), name('redis:7')]).toEqual(['cache', 'redis']);
  });

  it('have the port behind a name that all ports share', () => {
    const ports = { '80/tcp': ':8000', '81/tcp': ':8001' };
    const names = (env: string[]) => find({ ports, env }).services.map(({ name }) => name);
    expect(names(['SERVICE_NAME=web'])).toEqual(['web-80', 'web-81']);
    expect(names(['SERVICE_NAME=web', 'SERVICE_81_NAME=admin'])).toEqual(['web-80', 'admin']);
    expect(names(['SERVICE_81_NAME=admin', 'SERVICE_NAME=web'])).toEqual(['web-80', 'admin']);
  });

  it('of labels count more than those of the environment, but not more than one that names the port', () => {
    const ports = { '80/tcp': ':8000' };
    const one = (env: string[], labels: Record<string, string>) =>
      find({ ports, env, labels }).services[0]?.name;
    expect(one(['SERVICE_NAME=env'], { SERVICE_NAME: 'label' })).toBe('label');
    expect(one(['SERVICE_80_NAME=env'], { SERVICE_NAME: 'label' })).toBe('env');
    expect(one(['SERVICE_80_NAME=env'], { SERVICE_80_NAME: 'label' })).toBe('label');
  });

  it('are needed with -explicit', () => {
    const ports = { '80/tcp': ':8000', '81/tcp': ':8001' };
    expect(find({ ports }, { explicit: true }).services).toEqual([]);
    expect(find({ ports, env: ['SERVICE_80_NAME=x'] }, { explicit: true }).services).toHaveLength(1);
  });
});

describe('ports', () => {
  it('UDP has its own ID and tag, and may have settings of its own', () => {
    const ports = { '53/tcp': ':1053', '53/udp': ':1053' };
    const env = ['SERVICE_53_NAME=dns', 'SERVICE_53_UDP_NAME=fast', 'SERVICE_TAGS=a'];
    expect(shown(find({ ports, env }, {}, { extraTags: ['forced'] }))).toMatchObject([
      { id: 'hostname:redis.0:53', name: 'dns', tags: ['a', 'forced'] },
      { id: 'hostname:redis.0:53:udp', name: 'fast', tags: ['a', 'forced', 'udp'] },
    ]);
  });

  it('that are only exposed count with -internal alone, with the address of the container', () => {
    const parts = { ports: { '80/tcp': null, '81/tcp': '127.0.0.1:8081' }, address: '172.17.0.2' };
    expect(shown(find(parts))).toMatchObject([{ name: 'redis', address: '127.0.0.1', port: 8081 }]);
    expect(shown(find(parts, { internal: true }))).toMatchObject([
      { name: 'redis-80', address: '172.17.0.2', port: 80 },
      { name: 'redis-81', address: '172.17.0.2', port: 81 },
    ]);
  });

  it('without any there is no service', () => {
    expect(find({}).services).toEqual([]);
    expect(find({ exposed: ['80/tcp'] }).services).toEqual([]);
    expect(find({ exposed: ['80/tcp'], mode: 'none' }, { internal: true }).services).toEqual([]);
  });

  it("on the host's network every exposed port is the host's", () => {
    const parts = { exposed: ['80/tcp'], mode: 'host' };
    for (const internal of [false, true])
      expect(shown(find(parts, { internal }))).toMatchObject([{ address: '192.168.1.102', port: 80 }]);
  });

  it("on another container's network they have its address", () => {
    const parts = { exposed: ['80/tcp'], mode: 'container:abc' };
    const at = (network: ContainerDetails) => shown(find(parts, {}, { network }))[0];
    expect(at(container({ address: '172.17.0.9' }))).toMatchObject({ address: '172.17.0.9', port: 80 });
    expect(at(container({ mode: 'host' }))).toMatchObject({ address: '192.168.1.102', port: 80 });
  });

  it('of several networks that of the start counts, then the first by name, IPv4 before IPv6', () => {
    const at = (parts: Parts) =>
      find({ exposed: ['80/tcp'], ...parts }, { internal: true }).services[0]?.address;
    const networks = { b: { IPAddress: '10.2.0.2' }, a: { IPAddress: '10.1.0.2' } };
    expect(at({ mode: 'b', networks })).toBe('10.2.0.2');
    expect(at({ mode: 'gone', networks })).toBe('10.1.0.2');
    expect(at({ networks: { a: { GlobalIPv6Address: 'fd00::2' }, b: networks.b } })).toBe('10.2.0.2');
    expect(at({ networks: { a: { GlobalIPv6Address: 'fd00::2' } } })).toBe('fd00::2');
  });

  it("of several networks the engine's own bridge is the one of the start, whatever it is called there", () => {
    // Engines from Docker 29 on no longer tell the address on the bridge apart.
    const networks = { app: { IPAddress: '10.1.0.2' }, bridge: { IPAddress: '172.17.0.2' } };
    for (const mode of ['default', 'bridge'])
      expect(find({ exposed: ['80/tcp'], mode, networks }, { internal: true }).services[0]?.address).toBe(
        '172.17.0.2',
      );
  });

  it('of several networks -network says which, by its order', () => {
    const networks = { back: { IPAddress: '10.2.0.2' }, front: { IPAddress: '10.1.0.2' } };
    const at = (...names: string[]) =>
      find({ exposed: ['80/tcp'], mode: 'back', networks }, { internal: true, networks: names }).services[0]
        ?.address;
    expect([at(), at('front'), at('none', 'front', 'back'), at('none')]).toEqual([
      '10.2.0.2',
      '10.1.0.2',
      '10.1.0.2',
      '10.2.0.2',
    ]);
  });

  it("of the networks of a swarm's task those that only publish count last", () => {
    const networks = { ingress: { IPAddress: '10.0.0.9' }, web_default: { IPAddress: '10.0.1.3' } };
    expect(find({ exposed: ['80/tcp'], networks }, { internal: true }).services[0]?.address).toBe('10.0.1.3');
  });

  it('of a network that is named by its ID are found', () => {
    const networks = { a: { IPAddress: '10.1.0.2' }, b: { IPAddress: '10.2.0.2', NetworkID: 'b0b' } };
    expect(
      find({ exposed: ['80/tcp'], mode: 'b0b', networks }, { internal: true }).services[0]?.address,
    ).toBe('10.2.0.2');
  });

  it('on a network that publishes nothing (macvlan) are reached at the container, also without -internal', () => {
    const networks = { lan: { IPAddress: '192.168.7.9' } };
    expect(shown(find({ exposed: ['80/tcp'], mode: 'lan', networks }, { ip: '10.0.0.5' }))).toMatchObject([
      { name: 'redis', address: '192.168.7.9', port: 80 },
    ]);
    // One that publishes shows the port, published or not.
    expect(find({ ports: { '80/tcp': null }, mode: 'lan', networks }).services).toEqual([]);
    // Before it has an address, and on the engine's bridge, there is none to reach it at.
    expect(find({ exposed: ['80/tcp'], mode: 'lan' }).services).toEqual([]);
    expect(find({ exposed: ['80/tcp'], networks: { bridge: { IPAddress: '172.17.0.2' } } }).services).toEqual(
      [],
    );
  });

  it('on all addresses have that of the host or of -ip; on one of them that one, but for -ip', () => {
    const at = (text: string, ip = '') => find({ ports: { '80/tcp': text } }, { ip }).services[0]?.address;
    expect([at('0.0.0.0:1'), at(':::1'), at(':1'), at('10.9.9.9:1')]).toEqual([
      '192.168.1.102',
      '192.168.1.102',
      '192.168.1.102',
      '10.9.9.9',
    ]);
    expect([at('0.0.0.0:1', 'fd00::1'), at('10.9.9.9:1', 'fd00::1')]).toEqual(['fd00::1', 'fd00::1']);
  });

  it('have the address in a label where one is named', () => {
    const at = (labels: Record<string, string>) =>
      find({ ports: { '80/tcp': ':8000' }, labels }, { useIpFromLabel: 'net.ip' }).services[0]?.address;
    expect(at({ 'net.ip': '10.1.2.3/24' })).toBe('10.1.2.3');
    expect(at({ 'net.ip': '10.1.2.3' })).toBe('10.1.2.3');
    expect(at({})).toBe('192.168.1.102');
  });

  it('without a network are reached at the address in the label, which another program gave them', () => {
    const at = (labels: Record<string, string>) =>
      shown(find({ exposed: ['80/tcp'], mode: 'none', labels }, { useIpFromLabel: 'net.ip' }));
    expect(at({ 'net.ip': '10.1.2.3/24' })).toMatchObject([{ name: 'redis', address: '10.1.2.3', port: 80 }]);
    expect(at({})).toEqual([]);
  });
});

describe('SERVICE_IGNORE', () => {
  it('leaves out all ports or one', () => {
    const ports = { '80/tcp': ':8000', '81/tcp': ':8001' };
    expect(find({ ports, env: ['SERVICE_IGNORE=1'] }).services).toEqual([]);
    expect(find({ ports, env: ['SERVICE_IGNORE='] }).services).toHaveLength(2);
    const some = find({ ports, labels: { SERVICE_80_IGNORE: 'true' } }).services;
    // As in registrator it is still one of several.
    expect(some.map(({ name }) => name)).toEqual(['redis-81']);
  });
});

describe('settings of a range of ports', () => {
  const ports = { '80/tcp': ':8000', '10000/udp': ':10000', '10001/udp': ':10001' };

  it('hold for the ports in it', () => {
    expect(
      find({ ports, env: ['SERVICE_10000-20000_IGNORE=true'] }).services.map(({ name }) => name),
    ).toEqual(['redis-80']);
  });

  it('count more than those of all ports and less than those of one', () => {
    const env = ['SERVICE_10001_NAME=one', 'SERVICE_10000-20000_NAME=media', 'SERVICE_NAME=all'];
    expect(find({ ports, env }).services.map(({ name }) => name)).toEqual(['all-80', 'media', 'one']);
  });

  it('may name the protocol', () => {
    expect(find({ ports, env: ['SERVICE_1-20000_TCP_NAME=web'] }).services.map(({ name }) => name)).toEqual([
      'web',
      'redis-10000',
      'redis-10001',
    ]);
  });
});

describe('SERVICE_ENABLE_TAG_OVERRIDE', () => {
  it('lets others change the tags', () => {
    const override = (...env: string[]) => find({ ports: { '80/tcp': ':80' }, env }).services[0]?.tagOverride;
    expect([override(), override('SERVICE_ENABLE_TAG_OVERRIDE=false')]).toEqual([false, false]);
    expect(override('SERVICE_ENABLE_TAG_OVERRIDE=true')).toBe(true);
  });
});

describe('checks', () => {
  const ports = { '80/tcp': '0.0.0.0:8000' };
  const check = (...env: string[]) => find({ ports, env }).services[0]?.check;

  it.each([
    [['HTTP=/health'], { HTTP: 'http://192.168.1.102:8000/health', Interval: '10s' }],
    [
      ['HTTP=/h', 'INTERVAL=15s', 'TIMEOUT=1s', 'HTTP_METHOD=HEAD'],
      { HTTP: 'http://192.168.1.102:8000/h', Interval: '15s', Timeout: '1s', Method: 'HEAD' },
    ],
    [
      ['HTTPS=/h', 'HTTPS_METHOD=HEAD', 'TLS_SKIP_VERIFY=true'],
      { HTTP: 'https://192.168.1.102:8000/h', Interval: '10s', Method: 'HEAD', TLSSkipVerify: true },
    ],
    [['TCP=true', 'TIMEOUT=3s'], { TCP: '192.168.1.102:8000', Interval: '10s', Timeout: '3s' }],
    [['TTL=30s', 'INTERVAL=1s'], { TTL: '30s' }],
    [
      ['SCRIPT=nc $SERVICE_IP $SERVICE_PORT | grep OK'],
      { Args: ['/bin/sh', '-c', 'nc 192.168.1.102 8000 | grep OK'], Interval: '10s' },
    ],
    [['CMD=/bin/check x'], { Args: ['check-cmd', 'e20f9c1a7656', '80', '/bin/check x'], Interval: '10s' }],
    [
      ['DOCKER=/bin/check x'],
      {
        DockerContainerID: 'e20f9c1a76565d62ae24a3bb877b17b862b6eab94f4e95a0e07ccf25087aaf4f',
        Shell: '/bin/sh',
        Args: ['/bin/check x'],
        Interval: '10s',
      },
    ],
    [
      ['GRPC=true', 'GRPC_USE_TLS=true', 'TLS_SKIP_VERIFY=true', 'INTERVAL=5s'],
      { GRPC: '192.168.1.102:8000', GRPCUseTLS: true, TLSSkipVerify: true, Interval: '5s' },
    ],
    [
      ['TCP=1', 'INITIAL_STATUS=passing', 'DEREGISTER_AFTER=10m'],
      {
        TCP: '192.168.1.102:8000',
        Interval: '10s',
        Status: 'passing',
        DeregisterCriticalServiceAfter: '10m',
      },
    ],
    [
      ['HTTP=/h', 'HEADER={"Host": "web", "Accept": ["a", "b"]}', 'BODY=ping', 'HTTP_METHOD=POST'],
      {
        HTTP: 'http://192.168.1.102:8000/h',
        Interval: '10s',
        Method: 'POST',
        Header: { Host: ['web'], Accept: ['a', 'b'] },
        Body: 'ping',
      },
    ],
    [
      ['HTTPS=/h', 'TLS_SERVER_NAME=web.test', 'SUCCESS_BEFORE_PASSING=2', 'FAILURES_BEFORE_CRITICAL=3'],
      {
        HTTP: 'https://192.168.1.102:8000/h',
        Interval: '10s',
        TLSServerName: 'web.test',
        SuccessBeforePassing: 2,
        FailuresBeforeCritical: 3,
      },
    ],
    [['HTTP=/first', 'TCP=1', 'TTL=1s'], { HTTP: 'http://192.168.1.102:8000/first', Interval: '10s' }],
    [['INTERVAL=1s', 'INITIAL_STATUS=passing'], undefined],
  ])('%j', (env, expected) => {
    expect(check(...env.map((line) => `SERVICE_CHECK_${line}`))).toEqual(expected);
  });

  it('write IPv6 addresses as URLs need them', () => {
    const at = (env: string) => find({ ports, env: [env] }, { ip: 'fd00::1' }).services[0]?.check;
    expect(at('SERVICE_CHECK_HTTP=/')).toMatchObject({ HTTP: 'http://[fd00::1]:8000/' });
    expect(at('SERVICE_80_CHECK_TCP=/')).toMatchObject({ TCP: '[fd00::1]:8000' });
  });

  it('stay in the metadata, as in registrator', () => {
    expect(find({ ports, env: ['SERVICE_CHECK_TCP=true'] }).services[0]?.meta).toEqual({ check_tcp: 'true' });
  });

  it.each([
    [
      ['SERVICE_CHECK_TCP=1', 'SERVICE_CHECK_INTERVAL=10'],
      'SERVICE_CHECK_INTERVAL',
      { TCP: '192.168.1.102:8000', Interval: '10s' },
    ],
    [
      ['SERVICE_80_CHECK_TCP=1', 'SERVICE_80_CHECK_TIMEOUT=x'],
      'SERVICE_80_CHECK_TIMEOUT',
      { TCP: '192.168.1.102:8000', Interval: '10s' },
    ],
    [
      ['SERVICE_CHECK_TCP=1', 'SERVICE_CHECK_INITIAL_STATUS=up'],
      'SERVICE_CHECK_INITIAL_STATUS',
      { TCP: '192.168.1.102:8000', Interval: '10s' },
    ],
    [['SERVICE_CHECK_TTL=soon'], 'SERVICE_CHECK_TTL', undefined],
    [
      ['SERVICE_CHECK_TCP=1', 'SERVICE_CHECK_FAILURES_BEFORE_CRITICAL=many'],
      'SERVICE_CHECK_FAILURES_BEFORE_CRITICAL',
      { TCP: '192.168.1.102:8000', Interval: '10s' },
    ],
    [
      ['SERVICE_CHECK_HTTP=health'],
      'SERVICE_CHECK_HTTP',
      { HTTP: 'http://192.168.1.102:8000/health', Interval: '10s' },
    ],
  ])('a bad value is named and costs nothing else: %j', (env, variable, expected) => {
    const { services, problems } = find({ name: 'web', ports, env });
    expect(services[0]?.check).toEqual(expected);
    expect(problems).toMatchObject([{ container: { name: 'web' }, variable }]);
  });

  it('show nobody the headers that they send', () => {
    const env = ['SERVICE_CHECK_HTTP=/', 'SERVICE_CHECK_HEADER={"Authorization": ["Basic secret"]}'];
    const { services, problems } = find({ ports, env: [...env, 'SERVICE_80_CHECK_HEADER=Basic secret'] });
    expect(services[0]?.meta).toEqual({ check_http: '/' });
    expect(services[0]?.check).toEqual({ HTTP: 'http://192.168.1.102:8000/', Interval: '10s' });
    expect(problems).toMatchObject([
      { variable: 'SERVICE_80_CHECK_HEADER', message: expect.not.stringContaining('secret') },
    ]);
  });

  it('can be the verdict of the engine', () => {
    const health = (status: string | undefined, on = true) =>
      find({ ports, ...(status === undefined ? {} : { health: status }) }, { health: on }).services[0];
    expect(health('healthy')).toMatchObject({ check: { TTL: '24h' }, verdict: { status: 'passing' } });
    expect(health('starting')?.verdict?.status).toBe('critical');
    expect(health('unhealthy')?.verdict).toEqual({
      status: 'critical',
      output: 'the container is unhealthy',
    });
    expect([health('none')?.check, health(undefined)?.check, health('healthy', false)?.check]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('metadata that a registry would refuse', () => {
  it('is named and left out', () => {
    const { services, problems } = find({
      ports: { '80/tcp': ':8000' },
      labels: { 'SERVICE_a b': 'x', 'SERVICE_consul-x': 'x', SERVICE_LONG: 'x'.repeat(513), SERVICE_OK: 'x' },
    });
    expect(services[0]?.meta).toEqual({ ok: 'x' });
    expect(problems.map(({ variable }) => variable)).toEqual([
      'SERVICE_LONG',
      'SERVICE_a b',
      'SERVICE_consul-x',
    ]);
  });
});

describe('two ports with one SERVICE_ID', () => {
  it('are named, and the first is registered', () => {
    const { services, problems } = find({
      ports: { '80/tcp': ':8000', '81/tcp': ':8001' },
      env: ['SERVICE_ID=one'],
    });
    expect(services.map(({ port }) => port)).toEqual([8000]);
    expect(problems).toMatchObject([
      { variable: 'SERVICE_ID', message: expect.stringContaining('port 81 is left out') },
    ]);
  });
});
