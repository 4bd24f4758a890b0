import { MusterError } from '../../errors.ts';
import { DEFAULT_OPTIONS, faultOfOptions, type RegistratorOptions } from '../../registrator/options.ts';
import { LOG_FLAGS, logChoice } from '../log-flags.ts';
import { METRICS_FLAG, metricsPlace } from '../own-metrics.ts';
import { verb } from '../verb.ts';

const SECOND = 1000;

const flags = {
  ip: {
    kind: 'string',
    value: 'ADDRESS',
    summary: 'Address of services on published ports.',
    default: "this machine's",
  },
  internal: {
    kind: 'boolean',
    summary: "Register the containers' own addresses and ports instead of published ones.",
  },
  network: {
    kind: 'string',
    value: 'NAMES',
    summary: "Of several networks those whose address is a container's own, in this order, with commas.",
    default: 'the one it was started with',
  },
  explicit: { kind: 'boolean', summary: 'Only containers that set SERVICE_NAME.' },
  tags: {
    kind: 'string',
    value: 'TAGS',
    summary: 'Tags for every service, with commas; may be a template over the container, as in registrator.',
  },
  forceTags: { kind: 'string', value: 'TAGS', summary: 'Another name of -tags.' },
  useIpFromLabel: {
    kind: 'string',
    value: 'LABEL',
    summary: 'Take the address from this label of the container.',
  },
  deregister: {
    kind: 'string',
    choices: ['always', 'on-success'],
    summary: 'Whether services of containers that failed go, too.',
    default: 'always',
  },
  cleanup: {
    kind: 'boolean',
    summary: "Remove this host's registrations that no container stands for, whoever left them.",
    default: 'true',
  },
  resync: {
    kind: 'integer',
    value: 'SECONDS',
    summary: 'How often everything is compared though nothing was heard; 0: only after trouble.',
    default: `${DEFAULT_OPTIONS.resync / SECOND}`,
  },
  ttl: {
    kind: 'integer',
    value: 'SECONDS',
    summary: 'How long registrations outlive this program (etcd).',
    default: '0, for ever',
  },
  'ttl-refresh': { kind: 'integer', value: 'SECONDS', summary: 'How often that is renewed.' },
  'retry-attempts': {
    kind: 'integer',
    summary: 'How often the registry is tried again at the start before giving up; -1: for ever.',
    default: '-1',
  },
  'retry-interval': { kind: 'integer', value: 'MS', summary: 'Between those.', default: '2000' },
  hostname: {
    kind: 'string',
    value: 'NAME',
    summary:
      'First part of IDs: whose registrations these are. Two registrators on a machine need two names.',
    default: "the machine's",
  },
  health: { kind: 'boolean', summary: "A container's own HEALTHCHECK becomes the check of its services." },
  ...METRICS_FLAG,
  ...LOG_FLAGS,
} as const;

export const registrator = verb({
  about:
    'The engine is found by DOCKER_HOST, DOCKER_CERT_PATH and DOCKER_TLS_VERIFY; without them at /var/run/docker.sock or /tmp/docker.sock. URI is consul://[HOST:PORT], consul-tls://HOST:PORT, consul-unix://PATH, consulkv://HOST:PORT/PREFIX, consulkv-unix://PATH:/PREFIX, etcd://HOST:PORT,…/PREFIX, or for CoreDNS skydns2://HOST:PORT,…/DOMAIN or coredns://HOST:PORT,…/PREFIX?zone=DOMAIN; without one the agent of CONSUL_HTTP_ADDR. For etcd ETCD_ENDPOINTS, ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE and ETCD_USER are read. On SIGTERM it ends and leaves the registrations, as the containers go on; the next start finds what changed meanwhile.',
  args: ['[URI]'],
  examples: [
    { command: 'muster registrator consul://127.0.0.1:8500' },
    {
      command: 'muster registrator -ip 10.0.0.5 -tags "{{.Config.Hostname}}" consul://',
      does: 'with the address that others use, and a tag',
    },
    { command: 'muster registrator -internal -explicit etcd://10.0.0.2:2379/services' },
  ],
  flags,
  async run({ flags: given, args, terminal }) {
    const seconds = (name: 'ttl' | 'ttl-refresh' | 'resync', otherwise: number) => {
      const value = given[name];
      if (value === undefined) return otherwise;
      if (value < 0) throw new MusterError('usage', `-${name} has to be 0 or more`);
      return value * SECOND;
    };
    const options: RegistratorOptions = {
      ip: given.ip ?? '',
      internal: given.internal ?? false,
      networks: (given.network ?? '').split(',').flatMap((name) => name.trim() || []),
      explicit: given.explicit ?? false,
      tags: given.tags ?? given.forceTags ?? '',
      useIpFromLabel: given.useIpFromLabel ?? '',
      deregister: given.deregister ?? 'always',
      cleanup: given.cleanup ?? true,
      resync: seconds('resync', DEFAULT_OPTIONS.resync),
      ttl: seconds('ttl', 0),
      ttlRefresh: seconds('ttl-refresh', 0),
      hostname: given.hostname ?? DEFAULT_OPTIONS.hostname,
      health: given.health ?? false,
    };
    const fault = faultOfOptions(options);
    if (fault !== undefined) throw new MusterError('usage', fault);
    const interval = given['retry-interval'] ?? 2000;
    if (interval <= 0) throw new MusterError('usage', '-retry-interval must be greater than 0');
    const { runRegistrator } = await import('../run-registrator.ts');
    return runRegistrator({
      uri: args[0] ?? 'consul://',
      options,
      retry: { attempts: given['retry-attempts'] ?? -1, interval },
      env: terminal.env,
      log: logChoice(given),
      metrics: metricsPlace(given),
    });
  },
});
