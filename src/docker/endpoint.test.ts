import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dockerEndpoint, endpointFromEnv, formatEndpoint, readTls } from './endpoint.ts';

const files = (folder: string) => ({
  ca: join(folder, 'ca.pem'),
  cert: join(folder, 'cert.pem'),
  key: join(folder, 'key.pem'),
});

describe('the place of an engine', () => {
  it.each([
    [undefined, { kind: 'unix', path: '/var/run/docker.sock' }],
    ['', { kind: 'unix', path: '/var/run/docker.sock' }],
    ['unix:///tmp/docker.sock', { kind: 'unix', path: '/tmp/docker.sock' }],
    ['tcp://10.0.0.1', { kind: 'tcp', host: '10.0.0.1', port: 2375 }],
    ['tcp://10.0.0.1:80', { kind: 'tcp', host: '10.0.0.1', port: 80 }],
    ['tcp://[::1]:4243/', { kind: 'tcp', host: '::1', port: 4243 }],
    ['http://engine:1', { kind: 'tcp', host: 'engine', port: 1 }],
  ])('%s', (host, endpoint) => {
    expect(endpointFromEnv({ DOCKER_HOST: host })).toEqual(endpoint);
  });

  it.each([
    'ssh://host',
    'npipe:////./pipe/docker_engine',
    '/var/run/docker.sock',
    'unix://',
    'tcp://',
    'tcp://a:b',
    'tcp://a/b',
  ])('refuses %s and says what to write', (host) => {
    expect(() => endpointFromEnv({ DOCKER_HOST: host })).toThrow(/write unix:\/\/\/path/);
  });

  it('speaks TLS when asked to verify or told where the certificates are', () => {
    const tcp = { kind: 'tcp', host: 'a', port: 2376 };
    const home = join(homedir(), '.docker');
    expect(endpointFromEnv({ DOCKER_HOST: 'tcp://a', DOCKER_TLS_VERIFY: '1' })).toEqual({
      ...tcp,
      tls: { ...files(home), verify: true },
    });
    expect(endpointFromEnv({ DOCKER_HOST: 'tcp://a', DOCKER_CERT_PATH: '/c' })).toEqual({
      ...tcp,
      tls: { ...files('/c'), verify: false },
    });
    expect(endpointFromEnv({ DOCKER_HOST: 'https://a', DOCKER_CERT_PATH: '/c' })).toEqual({
      ...tcp,
      tls: { ...files('/c'), verify: true },
    });
    expect(endpointFromEnv({ DOCKER_HOST: 'unix:///s', DOCKER_TLS_VERIFY: '1' })).toEqual({
      kind: 'unix',
      path: '/s',
    });
    expect(dockerEndpoint({ host: 'tcp://a', tls: { verify: true } })).toEqual({
      ...tcp,
      tls: { verify: true },
    });
  });

  it('names the file that cannot be read', () => {
    expect(() => readTls({ ...files('/nowhere'), verify: true })).toThrow('/nowhere/ca.pem');
    expect(readTls({ verify: false })).toEqual({ rejectUnauthorized: false });
  });

  it('is written as it is read', () => {
    for (const host of ['unix:///tmp/docker.sock', 'tcp://[::1]:4243', 'tcp://a:2375'])
      expect(formatEndpoint(dockerEndpoint({ host }))).toBe(host);
  });
});
