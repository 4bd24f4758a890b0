import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { addressBytes } from '../../lib/ip.ts';
import { addressOf, knowing, nameServer, questionFor, reply } from '../name-server.test-support.ts';
import { ask, data, forwarder, lines, nameIn, rcode, soa, ttls } from './forwarder.test-support.ts';

describe('names that are known here', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-hosts-'));
  onTestFinishedOnce(() => rmSync(folder, { recursive: true, force: true }));

  it('come from hosts files, which are watched, and back from addresses', async () => {
    const hosts = join(folder, 'hosts');
    writeFileSync(
      hosts,
      '# ours\n10.240.0.8 zone.web Web.lan # one\n10.240.0.9 zone.web\nfd00::1 six\nnonsense x\n10.0.0.1\n',
    );
    const upstream = await nameServer(knowing());
    const nowhere = join(folder, 'nowhere');
    const { port } = await forwarder({ servers: [upstream], hosts: [hosts, nowhere], localTtl: 5 });
    const both = await ask(port, questionFor('ZONE.web'));
    expect([data(both), ttls(both)]).toEqual([
      ['10.240.0.8', '10.240.0.9'],
      [5, 5],
    ]);
    expect(data(await ask(port, questionFor('six', {}, 'AAAA')))).toEqual(['fd00::1']);
    const none = await ask(port, questionFor('six'));
    expect([rcode(none), data(none)]).toEqual(['NOERROR', []]);
    expect(data(await ask(port, questionFor('8.0.240.10.in-addr.arpa', {}, 'PTR')))).toEqual(['zone.web']);
    expect(upstream.asked).toEqual([]);
    expect(lines.some(({ message }) => message.includes('hosts:5: "nonsense" is no address'))).toBe(true);
    expect(lines.filter(({ message }) => message.includes('nowhere')).map(({ message }) => message)).toEqual([
      `${nowhere} cannot be read: there is no such file or directory; it is watched`,
    ]);
    writeFileSync(`${hosts}.new`, '10.240.0.10 zone.web\n');
    renameSync(`${hosts}.new`, hosts);
    await vi.waitUntil(async () => data(await ask(port, questionFor('zone.web')))[0] === '10.240.0.10', {
      timeout: 30_000,
      interval: 100,
    });
    // A file that goes away says nothing any more.
    rmSync(hosts);
    await vi.waitUntil(async () => data(await ask(port, questionFor('zone.web')))[0] === '192.0.2.1', {
      timeout: 30_000,
      interval: 100,
    });
  });

  it('are fixed, below domains too, or may never be asked for', async () => {
    const upstream = await nameServer(knowing());
    const { port } = await forwarder({
      servers: [upstream],
      addresses: [
        { domain: 'ads.example', addresses: [] },
        { domain: 'apps.example', addresses: [addressBytes('10.1.1.1') as Uint8Array] },
      ],
      records: [{ names: ['router'], address: addressBytes('10.0.0.254') as Uint8Array }],
      expandHosts: true,
      domain: 'lan',
      domainNeeded: true,
      bogusPrivate: true,
    });
    expect(rcode(await ask(port, questionFor('x.ads.example')))).toBe('NXDOMAIN');
    expect(data(await ask(port, questionFor('a.b.apps.example')))).toEqual(['10.1.1.1']);
    expect(data(await ask(port, questionFor('apps.example', {}, 'AAAA')))).toEqual([]);
    expect(data(await ask(port, questionFor('router.lan')))).toEqual(['10.0.0.254']);
    expect(data(await ask(port, questionFor('router')))).toEqual(['10.0.0.254']);
    expect(rcode(await ask(port, questionFor('plain')))).toBe('NXDOMAIN');
    expect(data(await ask(port, questionFor('localhost')))).toEqual(['127.0.0.1']);
    expect(rcode(await ask(port, questionFor('x.invalid')))).toBe('NXDOMAIN');
    expect(rcode(await ask(port, questionFor('1.1.168.192.in-addr.arpa', {}, 'PTR')))).toBe('NXDOMAIN');
    expect(upstream.asked).toEqual([]);
    expect(data(await ask(port, questionFor('badapps.example')))).toEqual(['192.0.2.1']);
  });

  it('are there whatever is asked of them, and so are names above them, also where others know of none', async () => {
    const upstream = await nameServer((question) =>
      reply(question, { flags: 0x0183, authorities: [soa(30)] }),
    );
    const { port } = await forwarder({
      servers: [upstream],
      routes: [{ domain: 'lan', route: 'local' }],
      records: [
        { names: ['printer.lan'], address: addressBytes('10.0.0.7') as Uint8Array },
        { names: ['a.host.example'], address: addressBytes('10.0.0.8') as Uint8Array },
      ],
      addresses: [
        { domain: 'apps.inner.lan', addresses: [addressBytes('10.1.1.1') as Uint8Array] },
        { domain: 'ads.example', addresses: [] },
      ],
      bogusPrivate: true,
      domainNeeded: true,
    });
    const there: [string, 'A' | 'MX' | 'TXT' | 'AAAA'][] = [
      ['printer.lan', 'MX'],
      ['lan', 'A'],
      ['inner.lan', 'TXT'],
      ['a.host.example', 'TXT'],
      ['host.example', 'A'],
      ['7.0.0.10.in-addr.arpa', 'TXT'],
    ];
    // Twice: the second answer is one that was kept.
    for (const [name, type] of [...there, ...there]) {
      const answer = await ask(port, questionFor(name, {}, type));
      expect([name, type, rcode(answer), data(answer)]).toEqual([name, type, 'NOERROR', []]);
    }
    for (const [name, type] of [
      ['other.lan', 'MX'],
      ['x.printer.lan', 'A'],
      ['b.host.example', 'A'],
      ['ads.example', 'MX'],
      ['8.0.0.11.in-addr.arpa', 'PTR'],
    ] as const)
      expect([name, rcode(await ask(port, questionFor(name, {}, type)))]).toEqual([name, 'NXDOMAIN']);
  });

  it('without a dot are looked for in domains', async () => {
    const upstream = await nameServer((question) =>
      nameIn(question) === 'web.service.consul'
        ? reply(question, { answers: [addressOf(nameIn(question), '10.9.9.9')] })
        : reply(question, { flags: 0x0183, authorities: [soa(30)] }),
    );
    const { port } = await forwarder({ servers: [upstream], search: ['lan', 'service.consul'] });
    expect(data(await ask(port, questionFor('web')))).toEqual(['web.service.consul', '10.9.9.9']);
    expect(rcode(await ask(port, questionFor('other')))).toBe('NXDOMAIN');
  });
});

function onTestFinishedOnce(task: () => void): void {
  process.once('exit', task);
}
