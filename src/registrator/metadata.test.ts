import { describe, expect, it } from 'vitest';
import { find } from './services.test-support.ts';

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
