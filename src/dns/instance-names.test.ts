import { describe, expect, it, onTestFinished } from 'vitest';
import { startWorld } from './world.test-support.ts';

interface Srv {
  port: number;
  target: string;
}

async function world(srvTargets: 'node' | 'instance') {
  const made = await startWorld({ options: { srvTargets } });
  onTestFinished(() => made.stop());
  await made.node('n1', '10.0.0.1');
  // Three on one node, two at one address of their own, one with an IPv6 address and an ID that is no label.
  for (const id of ['a', 'b', 'c'])
    await made.service('n1', '10.0.0.1', { id, name: 'web', port: id.charCodeAt(0) });
  for (const id of ['d', 'e'])
    await made.service('n1', '10.0.0.1', { id, name: 'web', port: id.charCodeAt(0), address: '10.0.0.9' });
  await made.service('n1', '10.0.0.1', {
    id: `Über. ${'x'.repeat(80)}`,
    name: 'web',
    port: 1,
    address: '2001:db8::1',
  });
  const srv = async () => {
    const { answers, additionals } = await made.ask('web.service.consul', 'SRV');
    const targets = new Map(answers.map(({ data }) => [(data as Srv).port, (data as Srv).target]));
    return { targets, addresses: new Map(additionals.map(({ name, data }) => [name, data])) };
  };
  return { ...made, srv };
}

describe('with a name for each instance', () => {
  it('every SRV record leads to another name, which has the address of its instance', async () => {
    const { srv, ask } = await world('instance');
    const { targets, addresses } = await srv();
    expect(new Set(targets.values()).size).toBe(6);
    const expected = { 97: '10.0.0.1', 98: '10.0.0.1', 99: '10.0.0.1', 100: '10.0.0.9', 101: '10.0.0.9' };
    for (const [port, address] of Object.entries(expected)) {
      const target = targets.get(Number(port)) ?? '';
      expect(addresses.get(target)).toBe(address);
      const { answers } = await ask(target.toUpperCase(), 'A');
      expect(answers.map(({ data }) => data)).toEqual([address]);
    }
    const { answers } = await ask(targets.get(1) ?? '', 'AAAA');
    expect(answers.map(({ data }) => data)).toEqual(['2001:db8::1']);
  });

  it('a name stays when others come and go', async () => {
    const { srv, check } = await world('instance');
    const before = (await srv()).targets;
    await check('n1', '10.0.0.1', 'critical', 'b');
    const after = (await srv()).targets;
    expect([...after.keys()].sort()).toEqual([1, 100, 101, 97, 99].sort());
    for (const [port, target] of after) expect(target).toBe(before.get(port));
  });
});

it('by default SRV records lead to the node or to the address, as in Consul, and nothing is in front of an address', async () => {
  const { srv, ask } = await world('node');
  const { targets } = await srv();
  expect([...new Set(targets.values())].sort()).toEqual([
    '0a000009.addr.dc1.consul',
    '20010db8000000000000000000000001.addr.dc1.consul',
    'n1.node.dc1.consul',
  ]);
  expect(await ask('1111111111111111.0a000009.addr.dc1.consul', 'A')).toMatchObject({ rcode: 'NXDOMAIN' });
});
