import { RECURSOR_STRATEGIES } from '../../dns/recursors.ts';
import { MusterError } from '../../errors.ts';
import { LOG_FLAGS, logChoice } from '../log-flags.ts';
import { METRICS_FLAG, metricsPlace } from '../own-metrics.ts';
import { verb } from '../verb.ts';

const flags = {
  listen: {
    kind: 'list',
    value: 'HOST:PORT',
    summary: 'Where to answer, UDP and TCP; several with commas.',
    default: '127.0.0.1:53',
  },
  'conf-file': {
    kind: 'string',
    value: 'FILE',
    summary: 'A configuration of dnsmasq, read as it is. Flags count more.',
  },
  consul: {
    kind: 'string',
    value: 'HOST:PORT',
    summary: 'Name server of a registry, for the domain consul; "" for none.',
    default: '127.0.0.1:8600',
  },
  server: {
    kind: 'list',
    value: 'SERVER',
    summary:
      'Name server for everything else, or for a domain: 10.0.0.53, 10.0.0.53#5353, /corp.example/10.0.0.1, /lan/.',
    default: 'those of /etc/resolv.conf',
  },
  strategy: {
    kind: 'string',
    choices: RECURSOR_STRATEGIES,
    summary: 'Which of several servers is asked first; race: all at the same time.',
    default: 'fastest',
  },
  timeout: { kind: 'duration', summary: 'Until the next server is asked.', default: '2s' },
  hosts: {
    kind: 'list',
    value: 'FILE',
    summary: 'Hosts files, or folders of them; they are watched.',
    default: '/etc/hosts',
  },
  address: {
    kind: 'list',
    value: '/DOMAIN/ADDRESS',
    summary: 'What a domain and all below it stands for; without an address there is no such name.',
  },
  search: {
    kind: 'list',
    value: 'DOMAIN',
    summary: 'Where names without a dot are looked for, such as service.consul.',
  },
  'cache-size': { kind: 'integer', summary: 'Answers that are kept; 0 for none.', default: '10000' },
  'stale-for': {
    kind: 'duration',
    summary: 'How long answers that have run out still serve while nobody answers; 0s: not at all.',
    default: '24h',
  },
  'local-ttl': { kind: 'integer', value: 'SECONDS', summary: 'TTL of names in hosts files.', default: '0' },
  'stop-dns-rebind': { kind: 'boolean', summary: 'Refuse answers from outside that hold private addresses.' },
  'rebind-domain-ok': { kind: 'list', value: 'DOMAIN', summary: 'But not for these.' },
  ...METRICS_FLAG,
  ...LOG_FLAGS,
} as const;

export const dns = verb({
  about:
    'For machines that ask one name server, as dnsmasq does in front of Consul. Answers are kept, and given on in need after they have run out. Hosts files, resolv.conf and the configuration are watched; SIGHUP reads them at once. In an agent the same is part of [dns].',
  args: [],
  examples: [
    {
      command: 'muster dns -listen 127.0.0.1:53',
      does: 'consul. from the agent of this machine, the rest from the servers in /etc/resolv.conf',
    },
    { command: 'muster dns -conf-file /etc/dnsmasq.conf', does: 'what dnsmasq was told' },
    {
      command:
        'muster dns -listen 127.0.0.1:5353 -server 10.0.0.53 -server /corp.example/10.1.0.1 -hosts /etc/hosts,/etc/hosts.consul',
    },
  ],
  flags,
  async run({ flags: given }) {
    for (const name of ['cache-size', 'local-ttl'] as const)
      if ((given[name] ?? 0) < 0) throw new MusterError('usage', `-${name} has to be 0 or more`);
    const { runDns } = await import('../run-dns.ts');
    const listOf = (values: readonly string[] | undefined) =>
      values
        ?.flatMap((value) => value.split(','))
        .map((value) => value.trim())
        .filter((value) => value !== '');
    return runDns({
      confFile: given['conf-file'],
      listen: listOf(given.listen),
      consul: given.consul,
      servers: given.server,
      hosts: listOf(given.hosts),
      addresses: given.address,
      options: {
        ...(given.strategy === undefined ? {} : { strategy: given.strategy }),
        ...(given.timeout === undefined ? {} : { timeout: given.timeout }),
        ...(given.search === undefined ? {} : { search: listOf(given.search) ?? [] }),
        ...(given['cache-size'] === undefined ? {} : { cacheSize: given['cache-size'] }),
        ...(given['stale-for'] === undefined ? {} : { staleFor: given['stale-for'] }),
        ...(given['local-ttl'] === undefined ? {} : { localTtl: given['local-ttl'] }),
        ...(given['stop-dns-rebind'] === undefined ? {} : { rebindProtection: given['stop-dns-rebind'] }),
        ...(given['rebind-domain-ok'] === undefined
          ? {}
          : { rebindOk: listOf(given['rebind-domain-ok']) ?? [] }),
      },
      log: logChoice(given),
      metrics: metricsPlace(given),
    });
  },
});
