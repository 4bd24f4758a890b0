/** From a prepared server to what is run. */
import type { TargetTls } from '../../balance/balancer.ts';
import type { PollOptions } from '../../discovery/poll.ts';
import { contentOf } from '../../lib/content-of.ts';
import { parseDuration } from '../../lib/duration.ts';
import { parseHostPort } from '../../lib/host-port.ts';
import { type AccessSpec, parseAccessRule } from '../../proxy/access.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from '../../proxy/tcp/limits.ts';
import { readCertificate } from '../../proxy/tls/certificate.ts';
import { DEFAULT_TLS } from '../../proxy/tls/spec.ts';
import { DEFAULT_UDP_LIMITS } from '../../proxy/udp/limits.ts';
import type { NameRules } from '../../route/pool-spec.ts';
import type { L4Plan } from '../l4/plan.ts';
import { BALANCES, type BalanceName } from './balances.ts';
import { checkPlan } from './checks.ts';
import { DISCOVERIES } from './discoveries.ts';
import type { PreparedServer } from './prepare.ts';
import { tlsManner } from './tls.ts';

/** Throws `config.unreadable` and `tls.*` for files that cannot be used. */
export function planServer(
  name: string,
  server: PreparedServer,
  common: Pick<PollOptions, 'clock' | 'random' | 'log'>,
): L4Plan {
  const { discovery, sni, tls } = server;
  const { strategy, isWeighted } = BALANCES[server.balance as BalanceName];
  const poll: PollOptions = {
    ...common,
    service: name,
    interval: parseDuration(discovery.interval) ?? 0,
    timeout: parseDuration(discovery.timeout) ?? 0,
    failPolicy: discovery.failpolicy === 'setempty' ? 'setempty' : 'keeplast',
  };
  return {
    name,
    listen: parseHostPort(server.bind)!,
    listener: server.protocol === 'udp' ? udpListener(server) : tcpListener(server),
    // Also where the protocol is tcp.
    tls: tls && server.protocol !== 'udp' ? terminated(tls) : undefined,
    strategy,
    isWeighted,
    names: sni
      ? ({
          matching: sni.hostname_matching_strategy,
          unexpected: sni.unexpected_hostname_strategy,
        } as NameRules)
      : undefined,
    upstreamTls: upstreamTls(server),
    discover: (listener) =>
      DISCOVERIES[discovery.kind as keyof typeof DISCOVERIES].follow(discovery, poll, listener),
    check: checkPlan(server.healthcheck),
  };
}

/** How often (ms) the certificate's files are looked at. */
const REFRESH = 3_000;

/** A certificate that is no good is told at once; later ones are taken up when they are good. */
function terminated(tls: NonNullable<PreparedServer['tls']>): L4Plan['tls'] {
  const { cert_path: cert, key_path: key } = tls;
  readCertificate({ place: cert, cert: contentOf(cert), key: contentOf(key) });
  return {
    settings: { ...DEFAULT_TLS, alpn: [], ...tlsManner(tls), tickets: tls.session_tickets ?? true },
    sources: [{ kind: 'file', cert, key, refresh: REFRESH }],
  };
}

/** "0" is no limit. */
function limit(text: string): number {
  return parseDuration(text) || Number.POSITIVE_INFINITY;
}

function tcpListener(server: PreparedServer): L4Plan['listener'] {
  const limits: Partial<TcpLimits> = {
    maxConnections: server.max_connections > 0 ? server.max_connections : Number.POSITIVE_INFINITY,
    // A connect without a limit would keep the next candidate from being tried.
    connectTimeout: parseDuration(server.backend_connection_timeout) || DEFAULT_TCP_LIMITS.connectTimeout,
    // There it is refused at once when all backends are full.
    waitTimeout: 0,
    clientIdleTimeout: limit(server.client_idle_timeout),
    upstreamIdleTimeout: limit(server.backend_idle_timeout),
    ...(server.sni ? { headTimeout: limit(server.sni.read_timeout) } : {}),
  };
  const version = server.proxy_protocol?.version;
  return {
    protocol: 'tcp',
    limits,
    access: accessOf(server),
    sendProxy: version === '1' ? 1 : version === '2' ? 2 : 0,
  };
}

function udpListener(server: PreparedServer): L4Plan['listener'] {
  const { max_requests: maxRequests = 0, max_responses: maxResponses = 0 } = server.udp ?? {};
  const clientIdleTimeout = limit(server.client_idle_timeout);
  const upstreamIdleTimeout = limit(server.backend_idle_timeout);
  const isBounded = Number.isFinite(Math.min(clientIdleTimeout, upstreamIdleTimeout));
  return {
    protocol: 'udp',
    access: accessOf(server),
    limits: {
      ...(server.max_connections > 0 ? { maxSessions: server.max_connections } : {}),
      // A session whose answers never come has to end some time.
      clientIdleTimeout: isBounded ? clientIdleTimeout : DEFAULT_UDP_LIMITS.clientIdleTimeout,
      upstreamIdleTimeout,
      maxRequests,
      maxResponses,
    },
  };
}

function accessOf({ access }: PreparedServer): AccessSpec | undefined {
  if (!access) return undefined;
  return {
    rules: (access.rules ?? []).flatMap((rule) => parseAccessRule(rule) ?? []),
    allowOthers: access.default === 'allow',
  };
}

function upstreamTls({ backends_tls: tls }: PreparedServer): TargetTls | undefined {
  if (!tls) return undefined;
  return {
    verify: !tls.ignore_verify,
    ...tlsManner(tls),
    ...(tls.root_ca_cert_path ? { ca: contentOf(tls.root_ca_cert_path) } : {}),
    ...(tls.cert_path ? { cert: contentOf(tls.cert_path) } : {}),
    ...(tls.key_path ? { key: contentOf(tls.key_path) } : {}),
  };
}
