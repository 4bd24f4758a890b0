import { describe, expect, it } from 'vitest';
import { put } from '../support/http.ts';
import { testMuster } from '../support/muster.ts';
import { dig, digWhole } from './programs.ts';

/** As many as fit in the 1,232 bytes that dig asks for. */
const INSTANCES = 30;

describe('dig', () => {
  it('finds services, nodes, tags, addresses and names over UDP and TCP', async () => {
    const { api, dnsPort } = await testMuster('agent', {
      node: { dev: true, name: 'here', meta: { rack: 'r1' } },
    });
    for (let i = 1; i <= INSTANCES; i++) {
      await put(`${api}/v1/agent/service/register`, {
        ID: `web-${i}`,
        Name: 'web',
        Address: `10.0.0.${i}`,
        Port: 8000 + i,
        Tags: i === 1 ? ['first'] : [],
      });
    }
    const addresses = Array.from({ length: INSTANCES }, (_, i) => `10.0.0.${i + 1}`).sort();
    expect(await dig(dnsPort, 'web.service.consul')).toEqual(addresses);
    expect(await dig(dnsPort, '+tcp', 'web.service.consul')).toEqual(addresses);
    // Plain DNS has room for 512 bytes: three are enough for anybody.
    expect(await dig(dnsPort, '+noedns', '+ignore', 'web.service.consul')).toHaveLength(3);
    expect(await dig(dnsPort, 'first.web.service.consul')).toEqual(['10.0.0.1']);
    expect(await dig(dnsPort, 'SRV', '_web._first.service.consul')).toEqual([
      '1 1 8001 0a000001.addr.dc1.consul.',
    ]);
    const srv = await digWhole(dnsPort, '+tcp', 'SRV', 'web.service.consul');
    expect(srv).toContain(`ANSWER: ${INSTANCES}, AUTHORITY: 0, ADDITIONAL:`);
    expect(srv).not.toMatch(/malformed|WARNING: Message|Warning/);
    expect(await dig(dnsPort, 'here.node.consul')).toEqual(['127.0.0.1']);
    expect(await dig(dnsPort, 'TXT', 'here.node.consul')).toContain('"rack=r1"');
    expect(await dig(dnsPort, '-x', '127.0.0.1')).toEqual(['here.node.dc1.consul.']);
    expect(await digWhole(dnsPort, 'nothing.service.consul')).toContain('status: NXDOMAIN');
    expect(await digWhole(dnsPort, 'www.example.com')).toContain('status: REFUSED');
  });
});
