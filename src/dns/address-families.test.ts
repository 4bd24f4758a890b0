import { describe, expect, it, onTestFinished } from 'vitest';
import { startWorld } from './world.test-support.ts';

const V4 = '10.2.2.4';
const V6 = '2001:db8::4';
const tagged = (addresses: Record<string, string>) =>
  Object.fromEntries(Object.entries(addresses).map(([kind, address]) => [kind, { address, port: 99 }]));

/** As Consul 1.10 chooses: an address of the family that is asked for, IPv6 first where any is good, the main one where there is none. */
const CASES = [
  { tags: {}, a: ['10.2.2.2'], aaaa: [], srv: '10.2.2.2' },
  {
    tags: { lan: V4, wan: '198.18.0.1', wan_ipv4: '198.18.0.1' },
    a: ['10.2.2.2'],
    aaaa: [],
    srv: '10.2.2.2',
  },
  { tags: { lan_ipv4: V4 }, a: [V4], aaaa: [], srv: V4 },
  { tags: { lan_ipv6: V6 }, a: ['10.2.2.2'], aaaa: [V6], srv: V6 },
  { tags: { lan_ipv4: V4, lan_ipv6: V6 }, a: [V4], aaaa: [V6], srv: V6 },
  { tags: { lan_ipv4: '' }, a: ['10.2.2.2'], aaaa: [], srv: '10.2.2.2' },
] as const;

describe.each(CASES)('with $tags', ({ tags, a, aaaa, srv }) => {
  async function world() {
    const made = await startWorld();
    onTestFinished(() => made.stop());
    const data = async (name: string, type: string) =>
      (await made.ask(name, type)).answers.map(({ data }) => data);
    return { ...made, data };
  }

  it('a service has the address of the family', async () => {
    const { service, node, ask, data } = await world();
    await node('n1', '10.0.0.1');
    await service('n1', '10.0.0.1', {
      name: 'web',
      port: 9,
      address: '10.2.2.2',
      taggedAddresses: tagged(tags),
    });
    expect(await data('web.service.consul', 'A')).toEqual(a);
    expect(await data('web.service.consul', 'AAAA')).toEqual(aaaa);
    const { answers, additionals } = await ask('web.service.consul', 'SRV');
    expect(answers).toMatchObject([{ data: { port: 9 } }]);
    expect(additionals.filter(({ type }) => type !== 'OPT').map(({ data }) => data)).toEqual([srv]);
  });

  it('a node has, and its services without an address of their own', async () => {
    const { service, node, ask, data } = await world();
    await node('n1', '10.2.2.2', null, { ...tags });
    await service('n1', '10.2.2.2', { name: 'web', port: 9 });
    for (const name of ['n1.node.consul', 'web.service.consul']) {
      expect(await data(name, 'A')).toEqual(a);
      expect(await data(name, 'AAAA')).toEqual(aaaa);
    }
    const { answers, additionals } = await ask('web.service.consul', 'SRV');
    // The node's name stands for its main address to some askers.
    const target = String((answers[0]?.data as { target?: string } | undefined)?.target);
    expect(target.endsWith(srv === '10.2.2.2' ? 'n1.node.dc1.consul' : '.addr.dc1.consul')).toBe(true);
    expect(additionals.find(({ name }) => name === target)?.data).toBe(srv);
  });
});
