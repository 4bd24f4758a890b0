/** fabio's listeners and certificate sources in the terms of the data path. */
import { openSslCipher } from '../../lib/cipher-suites.ts';
import type { SourceOptions } from '../../proxy/certificates/kinds.ts';
import type { ProxyLimits } from '../../proxy/limits.ts';
import type { HttpsListenerSpec, ListenerSpec, TcpListenerSpec } from '../../proxy/listener-spec.ts';
import type { AcceptProxy } from '../../proxy/proxy-protocol.ts';
import type { TcpLimits } from '../../proxy/tcp/limits.ts';
import { DEFAULT_TLS, type TlsSettings } from '../../proxy/tls/spec.ts';
import { SHARED_SLOT } from '../../route/slots.ts';
import type { CertificateSource, FabioConfig } from './config.ts';
import type { FabioListener, FabioProtocol } from './listeners.ts';

interface Spec {
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/** What becomes of each protocol. A new one is a line here. */
const SPECS = {
  http: (listener, spec) => ({ ...spec, protocol: 'http', ...proxyOf(listener), ...limitsOf(listener) }),
  https: securely,
  grpc: (listener, spec) => ({
    ...spec,
    protocol: 'http',
    http2: true,
    ...proxyOf(listener),
    ...limitsOf(listener),
  }),
  grpcs: securely,
  tcp: (listener, spec, config) => ({ ...spec, ...relaySpec(listener, config) }),
  'tcp+sni': byName,
  'https+tcp+sni': (listener, spec, config) =>
    listener.certificates === ''
      ? byName(listener, spec)
      : { ...securely(listener, spec, config), relaysNames: true },
} as const satisfies Record<
  // Those two open their listeners themselves.
  Exclude<FabioProtocol, 'prometheus' | 'tcp-dynamic'>,
  (listener: FabioListener, spec: Spec, config: FabioConfig) => ListenerSpec
>;

function securely(listener: FabioListener, spec: Spec, config: FabioConfig): HttpsListenerSpec {
  return {
    ...spec,
    protocol: 'https',
    http2: true,
    tls: tlsOf(listener, config),
    ...proxyOf(listener),
    ...limitsOf(listener),
  };
}

/** What a TCP listener has but its id and address: connections go where the route of its address leads. */
export function relaySpec(
  listener: FabioListener,
  config: FabioConfig,
): Omit<TcpListenerSpec, 'id' | 'host' | 'port'> {
  return {
    protocol: 'tcp',
    pool: '',
    byRoute: 'address',
    slot: SHARED_SLOT,
    ...proxyOf(listener),
    limits: {
      ...relayLimits(listener),
      // Where the instance speaks first, a client that is silent for so long sends no header.
      ...(listener.proxyProtocol ? { headTimeout: listener.proxyTimeout } : {}),
    },
    ...(listener.certificates === '' ? {} : { tls: { ...tlsOf(listener, config), alpn: [] } }),
  };
}

/** Relays TLS as it is, where the route of the name that a client asks for leads. */
function byName(listener: FabioListener, spec: Spec): TcpListenerSpec {
  return {
    ...spec,
    protocol: 'tcp',
    pool: '',
    byRoute: 'name',
    slot: SHARED_SLOT,
    ...proxyOf(listener),
    limits: relayLimits(listener),
  };
}

function relayLimits({ readTimeout, writeTimeout }: FabioListener): Partial<TcpLimits> {
  return {
    ...(readTimeout > 0 ? { clientIdleTimeout: readTimeout } : {}),
    ...(writeTimeout > 0 ? { upstreamIdleTimeout: writeTimeout } : {}),
  };
}

/** Checks of the balancer in front come without a header, and are taken as in fabio. */
function proxyOf({ proxyProtocol }: FabioListener): { acceptProxy?: AcceptProxy } {
  return proxyProtocol ? { acceptProxy: 'optional' } : {};
}

export function listenerSpecs(config: FabioConfig): ListenerSpec[] {
  return config.listeners.flatMap((listener, index) => {
    const { protocol, host, port } = listener;
    if (protocol === 'prometheus' || protocol === 'tcp-dynamic') return [];
    return SPECS[protocol](listener, { id: `${protocol}-${index}`, host, port }, config);
  });
}

/** Go's timeouts for reading, writing and idle connections; 0 leaves ours. */
function limitsOf({ readTimeout, writeTimeout, idleTimeout }: FabioListener): {
  limits?: Partial<ProxyLimits>;
} {
  const limits: Partial<ProxyLimits> = {
    ...(readTimeout > 0 ? { headTimeout: readTimeout, bodyTimeout: readTimeout } : {}),
    ...(writeTimeout > 0 ? { stallTimeout: writeTimeout } : {}),
    ...(idleTimeout > 0 ? { keepAliveTimeout: idleTimeout } : {}),
  };
  return Object.keys(limits).length === 0 ? {} : { limits };
}

export function tlsOf(listener: FabioListener, { certificates }: FabioConfig): TlsSettings {
  const { certificates: store, tlsMin, tlsMax, tlsCiphers, strictMatch } = listener;
  const source = certificates.find(({ name }) => name === store);
  // What is no suite of Go's is one of OpenSSL's.
  const ciphers = tlsCiphers.filter((name) => name !== '').map((name) => openSslCipher(name) ?? name);
  return {
    ...DEFAULT_TLS,
    store,
    strict: strictMatch,
    clientAuth: source === undefined || source.clientCa === '' ? 'none' : 'required',
    ...(tlsMin === undefined ? {} : { minVersion: tlsMin }),
    ...(tlsMax === undefined ? {} : { maxVersion: tlsMax }),
    ...(ciphers.length === 0 ? {} : { ciphers: ciphers.join(':') }),
  };
}

/** What fills the store of each source's name. */
export function storesOf({
  certificates,
  variables,
}: Pick<FabioConfig, 'certificates' | 'variables'>): Map<string, SourceOptions[]> {
  return new Map(certificates.map((source) => [source.name, [sourceOf(source, variables)]]));
}

function sourceOf(
  { type, cert, key, clientCa, refresh, headers }: CertificateSource,
  client: FabioConfig['variables'],
): SourceOptions {
  const authorities = clientCa === '' ? {} : { clientCa };
  switch (type) {
    case 'file':
      return { kind: 'file', cert, ...(key === '' ? {} : { key }), ...authorities, refresh };
    case 'path':
      return { kind: 'path', cert, ...authorities, refresh };
    case 'http':
      return { kind: 'http', cert, ...authorities, refresh, headers };
    case 'consul':
      return { kind: 'consul', cert, ...authorities, client };
  }
}
