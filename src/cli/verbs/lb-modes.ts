/** What `muster lb` can be started as, and which of its flags say something then: one without effect is refused, as it may be what somebody relies on. */
import { SETTING_NAMES, type SettingName } from '../../agent/fabio/settings.ts';
import { MusterError } from '../../errors.ts';
import type { LbFlags } from './lb.ts';

/** Each with what messages call it. */
export const MODES = {
  http: 'HTTP',
  tcp: 'TCP (-protocol tcp)',
  udp: 'UDP (-protocol udp)',
  fabio: "fabio's settings (-cfg)",
  gobetween: 'a gobetween file (-c)',
} as const;

export type Mode = keyof typeof MODES;
type FlagName = keyof LbFlags;

/** Of upstreams that are named by flags. */
const NAMED = ['http', 'tcp', 'udp'] as const;
const STREAMS = ['http', 'tcp'] as const;
const HTTP = ['http'] as const;
const TCP = ['tcp'] as const;
const UDP = ['udp'] as const;
const CONNECTIONS = ['tcp', 'udp'] as const;
const FABIO = ['fabio'] as const;
const GOBETWEEN = ['gobetween'] as const;
const ALL = Object.keys(MODES) as Mode[];

/** A new flag is a line here. */
const OURS: Readonly<Record<Exclude<FlagName, SettingName>, readonly Mode[]>> = {
  version: ALL,
  v: ALL,
  p: ALL,
  pidfile: ALL,
  protocol: NAMED,
  listen: NAMED,
  upstream: NAMED,
  options: NAMED,
  zone: NAMED,
  strategy: NAMED,
  'check-http': NAMED,
  'check-tcp': NAMED,
  'check-grpc': NAMED,
  'check-port': NAMED,
  'check-host': NAMED,
  'check-interval': NAMED,
  'check-timeout': NAMED,
  'check-fall': NAMED,
  'check-rise': NAMED,

  mirror: HTTP,
  'mirror-share': HTTP,
  auth: HTTP,
  'auth-realm': HTTP,
  'redirect-https': HTTP,
  'sticky-key-file': HTTP,
  compress: HTTP,
  'access-log': HTTP,
  'access-log-format': HTTP,
  http2: HTTP,
  admin: HTTP,
  workers: ['http', 'fabio'],
  'metrics-listen': HTTP,
  'otlp-endpoint': ['http', 'fabio'],
  'trace-ratio': ['http', 'fabio'],

  access: CONNECTIONS,
  'access-default': CONNECTIONS,
  'accept-proxy': TCP,
  'send-proxy': TCP,
  'timeout-half-closed': TCP,
  'timeout-session': UDP,
  'max-requests': UDP,
  'max-responses': UDP,

  'listen-tls': STREAMS,
  'tls-cert': STREAMS,
  'tls-key': STREAMS,
  'tls-path': STREAMS,
  'tls-client-ca': STREAMS,
  'tls-client-auth': STREAMS,
  'tls-min-version': STREAMS,
  'tls-ciphers': STREAMS,
  'tls-no-tickets': STREAMS,
  'tls-strict': STREAMS,
  acme: HTTP,
  'acme-path': HTTP,
  'acme-directory': HTTP,
  'acme-challenge': HTTP,
  'acme-ca': HTTP,

  'timeout-connect': STREAMS,
  'timeout-head': STREAMS,
  'timeout-wait': STREAMS,
  'timeout-tunnel': STREAMS,
  'timeout-keepalive': HTTP,
  'timeout-body': HTTP,
  'timeout-response': HTTP,
  'timeout-silence': HTTP,
  'timeout-stall': HTTP,
  'timeout-linger': HTTP,
  'timeout-idle-upstream': HTTP,
  'lame-duck': HTTP,
  'max-connections': NAMED,
  'max-head': HTTP,
  'max-line': HTTP,
  'max-fields': HTTP,
  'max-idle': HTTP,
  'max-sightings': HTTP,
  'max-in-flight': HTTP,
  'max-waiting': HTTP,
  'max-interim': HTTP,
  'retry-share': HTTP,

  'timeout-drain': ['http', 'tcp', 'udp', 'gobetween'],
  'log-level': NAMED,
  'log-json': ['http', 'tcp', 'udp', 'fabio'],

  cfg: FABIO,
  c: GOBETWEEN,
  config: GOBETWEEN,
  f: GOBETWEEN,
  format: GOBETWEEN,
  e: GOBETWEEN,
  'use-config-env-vars': GOBETWEEN,
};

export const MODES_OF = {
  ...OURS,
  ...Object.fromEntries(SETTING_NAMES.map((name) => [name, FABIO])),
} as Readonly<Record<FlagName, readonly Mode[]>>;

const NO_API = 'an API for TCP and UDP comes with a gobetween file (muster lb -c FILE)';
const NO_AUTHORITY = 'an authority looks at listeners for HTTP';

/** What does the same in another mode. */
const INSTEAD: { readonly [Name in FlagName]?: { readonly [Which in Mode]?: string } } = {
  access: { http: 'say -options allow=ip:10.0.0.0/8 or -options deny=ip:10.0.0.1' },
  'access-default': { http: 'with -options allow=ip:10.0.0.0/8 all others are refused' },
  'accept-proxy': { http: "the listener of an agent (accept_proxy) and of fabio's settings (pxyproto) can" },
  'timeout-half-closed': { http: '-timeout-tunnel is for upgraded connections' },
  admin: { tcp: NO_API, udp: NO_API },
  'otlp-endpoint': { gobetween: 'its [metrics] serves figures' },
  'trace-ratio': { gobetween: 'its [metrics] serves figures' },
  'metrics-listen': {
    fabio: 'their metrics.* and proto=prometheus serve figures',
    gobetween: 'its [metrics] serves figures',
  },
  acme: { tcp: NO_AUTHORITY, udp: NO_AUTHORITY },
  'timeout-drain': { fabio: 'proxy.shutdownwait says it' },
  'log-level': { fabio: 'log.level says it', gobetween: 'its [logging] says it' },
  'log-json': { gobetween: 'its [logging] says it' },
};

/** What the others say there. */
const OTHERWISE: { readonly [Which in Mode]?: string } = {
  fabio: 'they say everything themselves',
  gobetween: 'it says everything itself',
};

/** Throws `usage` where a flag is given that would have no effect. One that is false asks for what is the case. */
export function refuseIdle(
  given: { readonly [Name in FlagName]?: LbFlags[Name] | boolean | number | string | readonly string[] },
  mode: Mode,
): void {
  for (const name of Object.keys(MODES_OF) as FlagName[]) {
    const modes = MODES_OF[name];
    if (given[name] === undefined || given[name] === false || modes.includes(mode)) continue;
    const hint = INSTEAD[name]?.[mode] ?? OTHERWISE[mode];
    throw new MusterError(
      'usage',
      `-${name} is for ${modes.map((it) => MODES[it]).join(', ')} and has no effect with ${MODES[mode]}${hint === undefined ? '' : `; ${hint}`}`,
    );
  }
}
