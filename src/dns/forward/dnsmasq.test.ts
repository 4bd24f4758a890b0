import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readDnsmasq, serversIn } from './dnsmasq.ts';
import { parseDnsmasqServer } from './dnsmasq-server.ts';

function read(content: string, more: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-dnsmasq-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'more'));
  for (const [name, text] of Object.entries(more)) writeFileSync(join(folder, name), text);
  const path = join(folder, 'dnsmasq.conf');
  writeFileSync(path, content.replaceAll('FOLDER', folder));
  const { warnings, ...settings } = readDnsmasq(path);
  return { ...settings, warnings: warnings.map((one) => one.replaceAll(folder, 'FOLDER')) };
}

describe('a configuration of dnsmasq', () => {
  it('of the kind that people write for Consul is understood whole', () => {
    const { options, listen, port, resolvFile, warnings } = read(`
# Consul
server=/consul/127.0.0.1#8600
server=/10.in-addr.arpa/127.0.0.1#8600
addn-hosts=/etc/hosts.consul
listen-address=127.0.0.1,::1
bind-interfaces
port=5353
no-resolv
server=8.8.8.8      # and Google
server=8.8.4.4
strict-order
local-ttl=1
cache-size=1000
neg-ttl=10
address=/ads.example/
address=/double.example/127.0.0.1
domain-needed
bogus-priv
`);
    expect(warnings).toEqual([]);
    expect({ listen, port, resolvFile }).toEqual({
      listen: ['127.0.0.1', '::1'],
      port: 5353,
      resolvFile: undefined,
    });
    expect(options).toEqual({
      strategy: 'sequential',
      servers: [
        { host: '8.8.8.8', port: 53 },
        { host: '8.8.4.4', port: 53 },
      ],
      routes: [
        { domain: 'consul', route: [{ host: '127.0.0.1', port: 8600 }] },
        { domain: '10.in-addr.arpa', route: [{ host: '127.0.0.1', port: 8600 }] },
      ],
      addresses: [
        { domain: 'ads.example', addresses: [] },
        { domain: 'double.example', addresses: [Uint8Array.of(127, 0, 0, 1)] },
      ],
      records: [],
      hosts: ['/etc/hosts', '/etc/hosts.consul'],
      localTtl: 1,
      cacheSize: 1000,
      negativeTtl: 10,
      domainNeeded: true,
      bogusPrivate: true,
    });
  });

  it('names file and line of what it does not know or cannot use; the rest holds', () => {
    const { options, warnings } = read(
      'server=/consul/127.0.0.1#8600\ndhcp-range=10.0.0.2,10.0.0.9\nserver=nonsense\ncache-size=many\nno-hosts=1\naddress=x\nno-hosts\n',
    );
    expect(warnings).toEqual([
      'FOLDER/dnsmasq.conf:2: dhcp-range is not known here and has no effect',
      'FOLDER/dnsmasq.conf:3: server: "nonsense" is no address of a server',
      'FOLDER/dnsmasq.conf:4: cache-size: expected a number, got "many"',
      'FOLDER/dnsmasq.conf:5: no-hosts: takes no value',
      'FOLDER/dnsmasq.conf:6: address: expected /domain/address',
    ]);
    expect(options.routes).toHaveLength(1);
    expect(options.hosts).toEqual([]);
  });

  it('may include files and folders', () => {
    const { options, warnings } = read('conf-dir=FOLDER/more,*.conf\nconf-file=FOLDER/gone\nno-hosts', {
      'more/a.conf': 'server=/a/10.0.0.1\nserver=/a/10.0.0.2\nall-servers\n',
      'more/b.txt': 'server=/b/10.0.0.1\n',
      'more/c.conf': 'wrong\n',
    });
    expect(options.routes).toEqual([
      {
        domain: 'a',
        route: [
          { host: '10.0.0.1', port: 53 },
          { host: '10.0.0.2', port: 53 },
        ],
      },
    ]);
    expect(options.strategy).toBe('race');
    expect(warnings).toEqual([
      'FOLDER/more/c.conf:1: wrong is not known here and has no effect',
      expect.stringMatching(/^FOLDER\/dnsmasq\.conf:2: cannot read .*: there is no such file/),
    ]);
  });

  it.each([
    ['10.0.0.1', { domains: [], route: [{ host: '10.0.0.1', port: 53 }] }],
    ['10.0.0.1#5353@eth0', { domains: [], route: [{ host: '10.0.0.1', port: 5353 }] }],
    ['fd00::1#5353', { domains: [], route: [{ host: 'fd00::1', port: 5353 }] }],
    ['/a/b.c/10.0.0.1', { domains: ['a', 'b.c'], route: [{ host: '10.0.0.1', port: 53 }] }],
    ['/.a/', { domains: ['a'], route: 'local' }],
    ['/a/#', { domains: ['a'], route: 'default' }],
    ['//10.0.0.1', expect.any(String)],
    ['10.0.0.1#99999', expect.any(String)],
    ['', expect.any(String)],
  ])('server=%s', (value, expected) => {
    expect(parseDnsmasqServer(value)).toEqual(expected);
  });

  it('never throws, whatever it says', () => {
    const key = fc.constantFrom(
      'server',
      'address',
      'host-record',
      'cache-size',
      'listen-address',
      'domain',
      'x',
      '',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.string())), (lines) => {
        read(lines.map(([name, value]) => `${name}=${value}`).join('\n'));
      }),
      { numRuns: 50 },
    );
  });
});

describe('resolv.conf', () => {
  it('names the servers, without ourselves', () => {
    expect(
      serversIn('search lan\nnameserver 127.0.0.1\n nameserver fd00::1 # x\nnameserver bad\n', [
        '127.0.0.1:53',
      ]),
    ).toEqual([{ host: 'fd00::1', port: 53 }]);
  });
});
