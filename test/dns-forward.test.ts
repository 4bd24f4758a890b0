import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePorts, until } from '../scripts/support/processes.mjs';
import { dig } from './clients/programs.ts';
import { put } from './support/http.ts';
import { musterProcess, testFolder, testMuster } from './support/muster.ts';

describe('muster dns', () => {
  it('reads the configuration of dnsmasq: names of the registry, hosts files, everything else from others', async () => {
    const muster = await testMuster('agent');
    const folder = testFolder();
    const [port = 0, otherPort = 0] = await freePorts(2);
    await put(`${muster.api}/v1/agent/service/register`, {
      ID: 'web',
      Name: 'web',
      Address: '10.9.8.7',
      Port: 80,
    });
    // The other name servers: another one of ours.
    const upstream = musterProcess([
      'dns',
      '-listen',
      `127.0.0.1:${otherPort}`,
      '-consul',
      '',
      '-address',
      '/example/192.0.2.1',
      '-hosts',
      join(folder, 'none'),
    ]);
    const hosts = join(folder, 'hosts.consul');
    writeFileSync(hosts, '10.240.0.8 us-1.haproxy us-1.haproxy.service.consul\n');
    const conf = join(folder, 'dnsmasq.conf');
    const lines = [
      `server=/consul/127.0.0.1#${muster.dnsPort}`,
      `server=127.0.0.1#${otherPort}`,
      'no-resolv',
      'no-hosts',
      `addn-hosts=${hosts}`,
      'listen-address=127.0.0.1',
      `port=${port}`,
      'cache-size=1000',
      'address=/ads.example/',
      'dhcp-range=10.0.0.2,10.0.0.9',
    ];
    writeFileSync(conf, `${lines.join('\n')}\n`);
    const program = musterProcess(['dns', '-conf-file', conf]);
    for (const one of [upstream, program])
      await until('the name server to answer', () => one.output().includes('answering'), { program: one });
    expect(program.output()).toContain(`${conf}:10: dhcp-range is not known here`);
    expect(await dig(port, 'web.service.consul')).toEqual(['10.9.8.7']);
    expect(await dig(port, 'us-1.haproxy.service.consul')).toEqual(['10.240.0.8']);
    expect(await dig(port, 'www.example')).toEqual(['192.0.2.1']);
    expect(await dig(port, 'x.ads.example')).toEqual([]);
    // A change of the registry is seen at once: its TTL is 0.
    await put(`${muster.api}/v1/agent/service/register`, {
      ID: 'web',
      Name: 'web',
      Address: '10.9.8.6',
      Port: 80,
    });
    expect(await dig(port, 'web.service.consul')).toEqual(['10.9.8.6']);
    // What was kept outlives the server that said it.
    await upstream.kill();
    writeFileSync(
      conf,
      `${lines.filter((line) => !line.startsWith('address')).join('\n')}\naddress=/new.example/192.0.2.7\n`,
    );
    // It may have been looked at before all of it was written: then it is read once more.
    const told = async () => (await dig(port, 'new.example')).join() === '192.0.2.7';
    await until('the changed configuration to be in force', told, { program });
    expect(program.output()).toContain('was read again');
    expect((await program.stop()).code).toBe(0);
  });
});

describe('an agent', () => {
  it('forwards, looks for short names in its catalog, and writes a hosts file', async () => {
    const folder = testFolder();
    const [otherPort = 0] = await freePorts(1);
    const upstream = musterProcess([
      'dns',
      '-listen',
      `127.0.0.1:${otherPort}`,
      '-consul',
      '',
      '-address',
      '/example/192.0.2.1',
      '-local-ttl',
      '60',
    ]);
    await until('the name server to answer', () => upstream.output().includes('answering'), {
      program: upstream,
    });
    writeFileSync(join(folder, 'hosts'), '10.0.0.3 printer.lan\n');
    const muster = await testMuster(
      'agent',
      {
        node: { dev: true },
        dns: {
          recursors: [`127.0.0.1:${otherPort}`],
          hosts: [join(folder, 'hosts')],
          search: ['service.consul'],
          hosts_file: { path: join(folder, 'hosts.consul'), services: ['web'] },
        },
      },
      folder,
    );
    await put(`${muster.api}/v1/agent/service/register`, {
      ID: 'web',
      Name: 'web',
      Address: '10.9.8.7',
      Port: 80,
    });
    expect(await dig(muster.dnsPort, 'www.example')).toEqual(['192.0.2.1']);
    expect(await dig(muster.dnsPort, 'printer.lan')).toEqual(['10.0.0.3']);
    expect(await dig(muster.dnsPort, 'web')).toEqual(['10.9.8.7', 'web.service.consul.']);
    await upstream.kill();
    expect(await dig(muster.dnsPort, 'www.example')).toEqual(['192.0.2.1']);
    await until(
      'the hosts file to have it',
      () => readFileSync(join(folder, 'hosts.consul'), 'utf8').includes('10.9.8.7 web web.service.consul'),
      {
        program: muster.program,
      },
    );
  });
});
