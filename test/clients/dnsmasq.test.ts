import { describe, expect, it, onTestFinished } from 'vitest';
import { dnsmasqFlags } from '../../scripts/support/dnsmasq.mjs';
import { freePorts, until } from '../../scripts/support/processes.mjs';
import { put } from '../support/http.ts';
import { pickPorts, startMuster, testFolder, testMuster } from '../support/muster.ts';
import { dig, digWhole, testProgram } from './programs.ts';

/** dnsmasq on a free port of loopback, knowing nothing but what `options` say. */
async function startDnsmasq(options: string[], knownPort?: number): Promise<number> {
  const [port = 0] = knownPort === undefined ? await freePorts(1) : [knownPort];
  const program = testProgram('dnsmasq', [...dnsmasqFlags(port), ...options]);
  await until('dnsmasq to answer', () => digWhole(port, 'TXT', 'CHAOS', 'version.bind'), { program });
  return port;
}

const TEXTS = Array.from({ length: 12 }, (_, i) => `${i}-${'x'.repeat(200)}`);

describe('dnsmasq', () => {
  it('forwards .consul, over UDP and TCP, and follows every change', async () => {
    const { api, dnsPort } = await testMuster('agent');
    const port = await startDnsmasq([`--server=/consul/127.0.0.1#${dnsPort}`]);
    const register = (id: number) =>
      put(`${api}/v1/agent/service/register`, {
        ID: `web-${id}`,
        Name: 'web',
        Address: `10.0.0.${id}`,
        Port: 80,
      });
    expect(await digWhole(port, 'web.service.consul')).toContain('status: NXDOMAIN');
    for (const id of [1, 2]) await register(id);
    expect(await dig(port, 'web.service.consul')).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(await dig(port, '+tcp', 'SRV', 'web.service.consul')).toEqual([
      '1 1 80 0a000001.addr.dc1.consul.',
      '1 1 80 0a000002.addr.dc1.consul.',
    ]);
    await put(`${api}/v1/agent/service/deregister/web-1`);
    expect(await dig(port, 'web.service.consul')).toEqual(['10.0.0.2']);
  });

  it('is asked for names that are not in the catalog', async () => {
    const port = await startDnsmasq([
      '--host-record=shop.example.test,192.0.2.7,2001:db8::7',
      '--cname=www.example.test,shop.example.test',
      `--txt-record=large.example.test,${TEXTS.join(',')}`,
      '--ptr-record=7.2.0.192.in-addr.arpa,shop.example.test',
      '--address=/nowhere.test/',
    ]);
    // The first recursor is not there.
    const [gone = 0] = await freePorts(1);
    const { api, dnsPort } = await testMuster('agent', {
      node: { dev: true },
      dns: { recursors: [`127.0.0.1:${gone}`, `127.0.0.1:${port}`] },
    });
    expect(await dig(dnsPort, 'www.example.test')).toEqual(['192.0.2.7', 'shop.example.test.']);
    expect(await dig(dnsPort, 'AAAA', 'shop.example.test')).toEqual(['2001:db8::7']);
    expect(await dig(dnsPort, '-x', '192.0.2.7')).toEqual(['shop.example.test.']);
    expect(await digWhole(dnsPort, 'a.nowhere.test')).toContain('status: NXDOMAIN');
    // Nobody knows these: dnsmasq refuses.
    expect(await digWhole(dnsPort, 'www.example.com')).toContain('status: SERVFAIL');

    // More than UDP carries without EDNS: dig comes again over TCP, and so do we.
    const large = TEXTS.map((text) => `"${text}"`).join(' ');
    for (const how of ['+edns', '+noedns', '+tcp'])
      expect(await dig(dnsPort, how, 'TXT', 'large.example.test')).toEqual([large]);
    expect(await digWhole(dnsPort, '+noedns', '+ignore', 'TXT', 'large.example.test')).toMatch(
      /flags: qr tc rd ra;/,
    );

    await put(`${api}/v1/agent/service/register`, { Name: 'shop', Address: 'www.example.test', Port: 443 });
    expect(await dig(dnsPort, 'shop.service.consul')).toEqual([
      '192.0.2.7',
      'shop.example.test.',
      'www.example.test.',
    ]);
    const srv = await digWhole(dnsPort, 'SRV', 'shop.service.consul');
    expect(srv).toMatch(/SRV\s+1 1 443 www\.example\.test\./);
    expect(srv).toMatch(/shop\.example\.test\.\s+0\s+IN\s+A\s+192\.0\.2\.7/);
  });

  it('and Muster may each forward to the other', async () => {
    const [own = 0] = await freePorts(1);
    const ports = await pickPorts();
    const muster = await startMuster(
      'agent',
      { node: { dev: true }, dns: { recursors: [`127.0.0.1:${own}`] } },
      testFolder(),
      ports,
    );
    onTestFinished(async () => {
      await muster.program.stop();
    });
    const port = await startDnsmasq(
      [`--server=/consul/127.0.0.1#${ports.dns}`, '--host-record=shop.example.test,192.0.2.7'],
      own,
    );
    await put(`${muster.api}/v1/agent/service/register`, { Name: 'shop', Address: 'shop.example.test' });
    // From dnsmasq to Muster and back for what the host name stands for.
    expect(await dig(port, 'shop.service.consul')).toEqual(['192.0.2.7', 'shop.example.test.']);
  });
});
