import { describe, expect, it } from 'vitest';
import type { ContainerDetails } from '../docker/types.ts';
import { container, find, type Parts, shown } from './services.test-support.ts';

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
