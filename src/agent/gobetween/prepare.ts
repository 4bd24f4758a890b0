/** A server of gobetween's with its defaults filled in and its rules checked: what the REST API shows, and what is run. */

import { FAIL_POLICIES } from '../../discovery/poll.ts';
import { MusterError } from '../../errors.ts';
import { parseDuration } from '../../lib/duration.ts';
import { parseHostPort } from '../../lib/host-port.ts';
import { nearest } from '../../lib/nearest.ts';
import { parseAccessRule } from '../../proxy/access.ts';
import { NAME_MATCHING, UNEXPECTED_NAMES } from '../../route/pool-spec.ts';
import { BALANCES } from './balances.ts';
import { CHECK_FAULTS } from './checks.ts';
import { DISCOVERIES } from './discoveries.ts';
import type { Defaults, WrittenServer } from './schema.ts';

type Filled<T, Keys extends keyof T> = Omit<T, Keys> & { [Key in Keys]-?: NonNullable<T[Key]> };

export type PreparedServer = Filled<
  WrittenServer,
  | 'max_connections'
  | 'client_idle_timeout'
  | 'backend_idle_timeout'
  | 'backend_connection_timeout'
  | 'discovery'
  | 'healthcheck'
>;

const PROTOCOLS = ['tcp', 'tls', 'udp'] as const;
const STATUSES = ['healthy', 'unhealthy'] as const;
const ACCESS = ['allow', 'deny'] as const;
const NO_CHECK: NonNullable<WrittenServer['healthcheck']> = {
  kind: 'none',
  interval: '0',
  passes: 1,
  fails: 1,
  timeout: '0',
};

/** gobetween's own defaults of `[defaults]`: no limits. */
const UNLIMITED = {
  max_connections: 0,
  client_idle_timeout: '0',
  backend_idle_timeout: '0',
  backend_connection_timeout: '0',
} as const;

/** Throws `config.invalid` with everything that is wrong with the server. */
export function prepareServer(name: string, written: WrittenServer, defaults: Defaults): PreparedServer {
  const faults: string[] = [];
  const fault = (text: string) => void faults.push(`servers.${name}: ${text}`);
  const oneOf = (key: string, value: string, known: readonly string[]) => {
    if (known.includes(value)) return;
    const near = nearest(value, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
    fault(`${key}: "${value}" is not supported; ${hint}`);
  };
  const time = (key: string, value: string) => {
    if (parseDuration(value) === undefined)
      fault(`${key}: expected a duration such as "10s" or "500ms", got "${value}"`);
  };

  const limits = { ...UNLIMITED, ...given(defaults), ...given(written) };
  const server: PreparedServer = {
    ...written,
    max_connections: limits.max_connections,
    client_idle_timeout: limits.client_idle_timeout,
    backend_idle_timeout: limits.backend_idle_timeout,
    backend_connection_timeout: limits.backend_connection_timeout,
    protocol: written.protocol || 'tcp',
    balance: written.balance || 'weight',
    sni: written.sni && {
      hostname_matching_strategy: written.sni.hostname_matching_strategy || 'exact',
      unexpected_hostname_strategy: written.sni.unexpected_hostname_strategy || 'default',
      read_timeout: written.sni.read_timeout || '2s',
    },
    access: written.access && { ...written.access, default: written.access.default || 'allow' },
    discovery: {
      ...(written.discovery ?? { kind: '' }),
      kind: written.discovery?.kind ?? '',
      failpolicy: written.discovery?.failpolicy || 'keeplast',
      interval: written.discovery?.interval || '0',
      timeout: written.discovery?.timeout || '0',
    },
    healthcheck: checkOf(written.healthcheck),
  };
  const { discovery, healthcheck, protocol, tls, backends_tls: backends, sni, access } = server;

  if (server.bind === '') fault('no bind is specified: where it is to listen, "127.0.0.1:3000"');
  else if (parseHostPort(server.bind) === undefined)
    fault(`bind: expected host:port such as "127.0.0.1:3000", got "${server.bind}"`);
  oneOf('protocol', protocol, PROTOCOLS);
  oneOf('balance', server.balance, Object.keys(BALANCES));
  for (const key of ['client_idle_timeout', 'backend_idle_timeout', 'backend_connection_timeout'] as const)
    time(key, server[key]);

  if (!written.discovery)
    fault('no discovery is specified: [servers.NAME.discovery] says where its backends come from');
  else {
    oneOf('discovery.kind', discovery.kind, Object.keys(DISCOVERIES));
    oneOf('discovery.failpolicy', discovery.failpolicy, FAIL_POLICIES);
    time('discovery.interval', discovery.interval);
    time('discovery.timeout', discovery.timeout);
    for (const text of DISCOVERIES[discovery.kind as keyof typeof DISCOVERIES]?.faults(discovery) ?? [])
      fault(`discovery.${text}`);
  }

  oneOf('healthcheck.kind', healthcheck.kind, Object.keys(CHECK_FAULTS));
  time('healthcheck.interval', healthcheck.interval);
  time('healthcheck.timeout', healthcheck.timeout);
  if (healthcheck.initial_status) oneOf('healthcheck.initial_status', healthcheck.initial_status, STATUSES);
  if (healthcheck.kind !== 'none' && (parseDuration(healthcheck.interval) ?? 1) <= 0)
    fault('healthcheck.interval has to be greater than 0s');
  for (const text of CHECK_FAULTS[healthcheck.kind as keyof typeof CHECK_FAULTS]?.(healthcheck) ?? [])
    fault(`healthcheck.${text}`);

  if (protocol === 'tls' && !tls) fault('protocol "tls" needs a section tls with cert_path and key_path');
  if (tls && !tls.acme_hosts?.length && (tls.cert_path === '' || tls.key_path === ''))
    fault('tls needs both cert_path and key_path, or acme_hosts');
  if (tls?.acme_hosts?.length)
    fault(
      'tls.acme_hosts: certificates from ACME are not taken from a gobetween file; give cert_path and key_path',
    );
  if (backends && Boolean(backends.cert_path) !== Boolean(backends.key_path))
    fault('backends_tls: cert_path and key_path have to be specified together');
  if (protocol === 'udp') {
    if (backends) fault('backends_tls cannot be used with protocol udp');
    if (healthcheck.kind === 'ping')
      fault('healthcheck.kind "ping" cannot be used with protocol udp; use "probe"');
    const { max_requests: requests = 0, max_responses: responses = 0 } = server.udp ?? {};
    const isLimited =
      requests > 0 || responses > 0 || written.client_idle_timeout || written.backend_idle_timeout;
    if (!isLimited)
      fault(
        'protocol udp needs at least one of client_idle_timeout, backend_idle_timeout, udp.max_requests, udp.max_responses',
      );
    if (server.udp?.transparent) fault('udp.transparent is not supported: answers come from the balancer');
  }
  if (server.proxy_protocol) {
    if (protocol !== 'tcp') fault(`proxy_protocol can be used with protocol tcp only, not with ${protocol}`);
    oneOf('proxy_protocol.version', server.proxy_protocol.version, ['1', '2']);
  }
  if (sni) {
    oneOf('sni.hostname_matching_strategy', sni.hostname_matching_strategy, NAME_MATCHING);
    oneOf('sni.unexpected_hostname_strategy', sni.unexpected_hostname_strategy, UNEXPECTED_NAMES);
    time('sni.read_timeout', sni.read_timeout);
  }
  if (access) {
    oneOf('access.default', access.default, ACCESS);
    for (const rule of access.rules ?? [])
      if (parseAccessRule(rule) === undefined)
        fault(
          `access.rules: bad rule "${rule}"; expected "allow" or "deny" and an address or a network, "deny 10.0.0.0/8"`,
        );
  }
  if (faults.length > 0) throw new MusterError('config.invalid', faults.join('\n'));
  return server;
}

/** Those of the connection options that were written. */
function given(options: Defaults): Partial<Filled<Defaults, keyof typeof UNLIMITED>> {
  const keys = Object.keys(UNLIMITED) as (keyof typeof UNLIMITED)[];
  return Object.fromEntries(keys.filter((key) => options[key] != null).map((key) => [key, options[key]]));
}

function checkOf(written: WrittenServer['healthcheck']): NonNullable<WrittenServer['healthcheck']> {
  if (!written) return NO_CHECK;
  const strategy =
    written.kind === 'probe' ? { probe_strategy: written.probe_strategy || 'starts_with' } : {};
  return {
    ...written,
    ...strategy,
    interval: written.interval || '0',
    timeout: written.timeout || '0',
    fails: written.fails > 0 ? written.fails : 1,
    passes: written.passes > 0 ? written.passes : 1,
  };
}
