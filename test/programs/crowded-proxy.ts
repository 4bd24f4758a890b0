/**
 * A proxy with listeners of all kinds in a process that may open few files. Told to "hoard" by its parent it opens all the files it
 * still may; told to "release" it closes them. Arguments: the transport, the port of its one instance (for TCP and UDP), a PEM file with a key and a certificate.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { TargetStates } from '../../src/balance/states.ts';
import { routeTo, targetAt } from '../../src/proxy/fixtures.ts';
import type { ListenerSpec } from '../../src/proxy/listener-spec.ts';
import { ProxyServer } from '../../src/proxy/net/server.ts';
import { describeShortage } from '../../src/proxy/shortage.ts';
import { readCertificate } from '../../src/proxy/tls/certificate.ts';
import { Keyring } from '../../src/proxy/tls/keyring.ts';
import { DEFAULT_TLS } from '../../src/proxy/tls/spec.ts';
import { startUring } from '../../src/proxy/uring/transport.ts';
import { Pools } from '../../src/route/pools.ts';

const [, , transport = 'net', upstream = '', pemFile = ''] = process.argv;
const port = Number(upstream);

const pem = readFileSync(pemFile, 'utf8');
const keyring = new Keyring();
keyring
  .store('default')
  .replace({ certificates: [readCertificate({ place: pemFile, cert: pem, key: pem })], clientCa: [] });
const pools = new Pools({ states: new TargetStates(), random: Math.random, turns: new Int32Array(16) });
const target = { id: 't', host: '127.0.0.1', port, weight: 1, slot: 2 };
pools.apply({
  version: 1,
  removed: [],
  changed: [false, true].map((datagrams) => ({
    id: datagrams ? 'u' : 'p',
    strategy: 'rr' as const,
    datagrams,
    names: undefined,
    slot: 1,
    targets: [{ ...target, priority: 0, maxConnections: 0, serverName: '' }],
  })),
});
const blamed = () => process.stderr.write('instance blamed\n');
const server = new ProxyServer(
  {
    keyring,
    pools,
    routes: routeTo([targetAt(port)]),
    outcomes: { connectFailed: blamed, cut: blamed, answered() {}, erred() {} },
    onShortage: (report) => process.stderr.write(`${describeShortage(report)}\n`),
  },
  transport === 'uring' ? await startUring() : undefined,
);
const anywhere = { host: '127.0.0.1', port: 0 };
const specs: ListenerSpec[] = [
  { id: 'http', protocol: 'http', ...anywhere },
  { id: 'http on IPv6', protocol: 'http', host: '::1', port: 0 },
  { id: 'http or h2', protocol: 'http', http2: true, ...anywhere },
  { id: 'https', protocol: 'https', http2: true, tls: DEFAULT_TLS, ...anywhere },
  { id: 'tcp', protocol: 'tcp', pool: 'p', slot: 1, ...anywhere },
  { id: 'udp', protocol: 'udp', pool: 'u', slot: 1, ...anywhere },
  { id: 'tcp over TLS', protocol: 'tcp', pool: 'p', slot: 1, tls: DEFAULT_TLS, ...anywhere },
];
const places: Record<string, { host: string; port: number }> = {};
for (const spec of specs) {
  const { host, port: given } = await server.open(spec);
  places[spec.id] = { host, port: given };
}

const hoard: number[] = [];
process.on('message', (order) => {
  if (order === 'hoard') {
    try {
      for (;;) hoard.push(openSync('/dev/zero', 'r'));
    } catch {
      // That was the last one.
    }
  } else for (const fd of hoard.splice(0)) closeSync(fd);
  process.send?.('done');
});
process.send?.(places);
