import { describe, expect, it } from 'vitest';
import { find, shown } from './services.test-support.ts';

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
describe('SERVICE_ENABLE_TAG_OVERRIDE', () => {
  it('lets others change the tags', () => {
    const override = (...env: string[]) => find({ ports: { '80/tcp': ':80' }, env }).services[0]?.tagOverride;
    expect([override(), override('SERVICE_ENABLE_TAG_OVERRIDE=false')]).toEqual([false, false]);
    expect(override('SERVICE_ENABLE_TAG_OVERRIDE=true')).toBe(true);
  });
});
