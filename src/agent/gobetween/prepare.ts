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
  initial_status: null,
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
  const server = withDefaults(written, defaults);
  const faults = new Faults(`servers.${name}`);
  checkListener(server, faults);
  if (written.discovery) checkDiscovery(server, faults);
  else faults.say('no discovery is specified: [servers.NAME.discovery] says where its backends come from');
  checkHealthcheck(server, faults);
  checkTls(server, faults);
  if (server.protocol === 'udp') checkUdp(server, written, faults);
  if (faults.all.length > 0) throw new MusterError('config.invalid', faults.all.join('\n'));
  return server;
}

/** What is wrong with one server, in the order in which it was found. */
class Faults {
  readonly all: string[] = [];
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
  }

  say(text: string): void {
    this.all.push(`${this.#place}: ${text}`);
  }

  oneOf(key: string, value: string, known: readonly string[]): void {
    if (known.includes(value)) return;
    const near = nearest(value, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
    this.say(`${key}: "${value}" is not supported; ${hint}`);
  }

  time(key: string, value: string): void {
    if (parseDuration(value) === undefined)
      this.say(`${key}: expected a duration such as "10s" or "500ms", got "${value}"`);
  }
}

function withDefaults(written: WrittenServer, defaults: Defaults): PreparedServer {
  const { sni, access, discovery } = written;
  return {
    ...written,
    ...UNLIMITED,
    ...given(defaults),
    ...given(written),
    protocol: written.protocol || 'tcp',
    balance: written.balance || 'weight',
    // null, as gobetween tells what is not there.
    sni: sni
      ? {
          hostname_matching_strategy: sni.hostname_matching_strategy || 'exact',
          unexpected_hostname_strategy: sni.unexpected_hostname_strategy || 'default',
          read_timeout: sni.read_timeout || '2s',
        }
      : null,
    access: access ? { ...access, default: access.default || 'allow' } : null,
    discovery: {
      ...discovery,
      kind: discovery?.kind ?? '',
      failpolicy: discovery?.failpolicy || 'keeplast',
      interval: discovery?.interval || '0',
      timeout: discovery?.timeout || '0',
    },
    healthcheck: checkOf(written.healthcheck),
  };
}

function checkListener(server: PreparedServer, faults: Faults): void {
  const { bind, protocol, balance, access, proxy_protocol: proxy } = server;
  if (bind === '') faults.say('no bind is specified: where it is to listen, "127.0.0.1:3000"');
  else if (parseHostPort(bind) === undefined)
    faults.say(`bind: expected host:port such as "127.0.0.1:3000", got "${bind}"`);
  faults.oneOf('protocol', protocol, PROTOCOLS);
  faults.oneOf('balance', balance, Object.keys(BALANCES));
  for (const key of ['client_idle_timeout', 'backend_idle_timeout', 'backend_connection_timeout'] as const)
    faults.time(key, server[key]);
  if (proxy) {
    if (protocol !== 'tcp')
      faults.say(`proxy_protocol can be used with protocol tcp only, not with ${protocol}`);
    faults.oneOf('proxy_protocol.version', proxy.version, ['1', '2']);
  }
  if (!access) return;
  faults.oneOf('access.default', access.default, ACCESS);
  for (const rule of access.rules ?? [])
    if (parseAccessRule(rule) === undefined)
      faults.say(
        `access.rules: bad rule "${rule}"; expected "allow" or "deny" and an address or a network, "deny 10.0.0.0/8"`,
      );
}

function checkDiscovery({ discovery }: PreparedServer, faults: Faults): void {
  faults.oneOf('discovery.kind', discovery.kind, Object.keys(DISCOVERIES));
  faults.oneOf('discovery.failpolicy', discovery.failpolicy, FAIL_POLICIES);
  faults.time('discovery.interval', discovery.interval);
  faults.time('discovery.timeout', discovery.timeout);
  const kind = DISCOVERIES[discovery.kind as keyof typeof DISCOVERIES];
  for (const text of kind?.faults(discovery) ?? []) faults.say(`discovery.${text}`);
}

function checkHealthcheck({ healthcheck }: PreparedServer, faults: Faults): void {
  const { kind, interval, timeout, initial_status: initial } = healthcheck;
  faults.oneOf('healthcheck.kind', kind, Object.keys(CHECK_FAULTS));
  faults.time('healthcheck.interval', interval);
  faults.time('healthcheck.timeout', timeout);
  if (initial) faults.oneOf('healthcheck.initial_status', initial, STATUSES);
  if (kind !== 'none' && (parseDuration(interval) ?? 1) <= 0)
    faults.say('healthcheck.interval has to be greater than 0s');
  for (const text of CHECK_FAULTS[kind as keyof typeof CHECK_FAULTS]?.(healthcheck) ?? [])
    faults.say(`healthcheck.${text}`);
}

function checkTls({ protocol, tls, backends_tls: backends, sni }: PreparedServer, faults: Faults): void {
  if (protocol === 'tls' && !tls)
    faults.say('protocol "tls" needs a section tls with cert_path and key_path');
  if (tls?.acme_hosts?.length)
    faults.say(
      'tls.acme_hosts: certificates from ACME are not taken from a gobetween file; give cert_path and key_path',
    );
  else if (tls && (tls.cert_path === '' || tls.key_path === ''))
    faults.say('tls needs both cert_path and key_path');
  if (backends && Boolean(backends.cert_path) !== Boolean(backends.key_path))
    faults.say('backends_tls: cert_path and key_path have to be specified together');
  if (!sni) return;
  faults.oneOf('sni.hostname_matching_strategy', sni.hostname_matching_strategy, NAME_MATCHING);
  faults.oneOf('sni.unexpected_hostname_strategy', sni.unexpected_hostname_strategy, UNEXPECTED_NAMES);
  faults.time('sni.read_timeout', sni.read_timeout);
}

function checkUdp(server: PreparedServer, written: WrittenServer, faults: Faults): void {
  const { max_requests: requests = 0, max_responses: responses = 0, transparent = false } = server.udp ?? {};
  if (server.backends_tls) faults.say('backends_tls cannot be used with protocol udp');
  if (server.healthcheck.kind === 'ping')
    faults.say('healthcheck.kind "ping" cannot be used with protocol udp; use "probe"');
  const idle = [written.client_idle_timeout, written.backend_idle_timeout];
  const usual = [server.client_idle_timeout, server.backend_idle_timeout];
  const hasIdle = idle.some((text) => text != null) || usual.some((text) => text !== '0');
  if (requests === 0 && responses === 0 && !hasIdle)
    faults.say(
      'protocol udp needs at least one of client_idle_timeout, backend_idle_timeout, udp.max_requests, udp.max_responses',
    );
  if (transparent) faults.say('udp.transparent is not supported: answers come from the balancer');
}

/** Those of the connection options that were written; a time that is empty is none, as of a variable that is not set. */
function given(options: Defaults): Partial<Filled<Defaults, keyof typeof UNLIMITED>> {
  const keys = Object.keys(UNLIMITED) as (keyof typeof UNLIMITED)[];
  return Object.fromEntries(
    keys.filter((key) => options[key] != null).map((key) => [key, options[key] === '' ? '0' : options[key]]),
  );
}

function checkOf(written: WrittenServer['healthcheck']): NonNullable<WrittenServer['healthcheck']> {
  if (!written) return NO_CHECK;
  const strategy =
    written.kind === 'probe'
      ? {
          probe_strategy: written.probe_strategy || 'starts_with',
          probe_recv_len: written.probe_recv_len ?? 0,
        }
      : {};
  return {
    ...written,
    ...strategy,
    interval: written.interval || '0',
    timeout: written.timeout || '0',
    fails: written.fails > 0 ? written.fails : 1,
    passes: written.passes > 0 ? written.passes : 1,
    initial_status: written.initial_status ?? null,
  };
}
