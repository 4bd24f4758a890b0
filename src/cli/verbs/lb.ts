import { FABIO_SETTINGS, SETTING_NAMES, type SettingName } from '../../agent/fabio/settings.ts';
import { STRATEGY_NAMES, type StrategyName } from '../../balance/strategies.ts';
import { MusterError } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { formatHostPort, parseHostPort } from '../../lib/host-port.ts';
import { DEFAULT_LIMITS, HARD_LIMITS, type ProxyLimits } from '../../proxy/limits.ts';
import { VERSION } from '../../version.ts';
import type { Flag, FlagValues } from '../flags.ts';
import type { TelemetryChoice } from '../lb-telemetry.ts';
import { LOG_FLAGS, logChoice } from '../log-flags.ts';
import { METRICS_FLAG, metricsPlace } from '../own-metrics.ts';
import { verb } from '../verb.ts';
import { checkFlags, checkOf } from './lb-check.ts';
import { gobetweenFlags, pidFileOf, runFrom } from './lb-gobetween.ts';
import { l4Flags, l4Listener, l4Options } from './lb-l4.ts';
import { type Mode, refuseIdle } from './lb-modes.ts';
import { routeFlags, routeOf } from './lb-route.ts';
import { checkFiles, tlsFlags, tlsOf } from './lb-tls.ts';
import { upstreamsOf } from './lb-upstreams.ts';

/** How long requests in flight may take to end after a signal (ms). */
const DRAIN = 30_000;

/** Of the tags that upstreams get. */
const TAG_PREFIX = 'urlprefix-';

/** Each limit of the data path with its flag. */
const LIMITS = {
  'timeout-connect': [
    'connectTimeout',
    'Until a connection to an upstream stands; then the next one is tried.',
  ],
  'timeout-head': ['headTimeout', 'Until a client has sent the head of a request.'],
  'timeout-keepalive': ['keepAliveTimeout', 'An idle client connection.'],
  'timeout-body': ['bodyTimeout', 'Silence inside the body of a request.'],
  'timeout-response': ['responseTimeout', 'From the end of a request to the first byte of its response.'],
  'timeout-silence': ['responseSilence', 'Silence inside a response.'],
  'timeout-stall': ['stallTimeout', 'A peer that takes nothing of what there is for it.'],
  'timeout-tunnel': ['tunnelTimeout', 'Silence on an upgraded connection, or of a side of one of TCP.'],
  'timeout-linger': ['lingerTimeout', 'What still comes after a refusal is read for so long.'],
  'timeout-idle-upstream': ['upstreamIdleTimeout', 'An idle connection to an upstream.'],
  'lame-duck': ['lameDuck', 'How long a stop goes on answering what comes on open connections.'],
  'max-connections': ['maxConnections', 'Client connections at a time.'],
  'max-head': ['maxHead', `Bytes of a whole head, at most ${HARD_LIMITS.maxHead}.`],
  'max-line': ['maxLine', 'Bytes of one line of a head.'],
  'max-fields': ['maxFields', `Header lines of a message, at most ${HARD_LIMITS.maxFields}.`],
  'max-idle': ['maxIdlePerTarget', 'Idle connections kept for each upstream.'],
  'max-sightings': ['maxSightings', 'How often upstreams may see one request that is safe to repeat.'],
  'max-in-flight': [
    'maxInFlight',
    'Requests in flight on one upstream; what is beyond waits. 0: any number.',
  ],
  'max-waiting': ['maxWaiting', 'Requests that wait for room; the next is answered 503.'],
  'timeout-wait': ['waitTimeout', 'How long a request waits for room.'],
  'max-interim': ['maxInterim', 'Interim responses (1xx) before the final one.'],
} as const satisfies Record<string, readonly [keyof ProxyLimits, string]>;

type LimitFlag = keyof typeof LIMITS;
type LimitKind<Name extends LimitFlag> = Name extends `max-${string}` ? 'integer' : 'duration';

/** Limits that may be 0. */
const MAY_BE_NONE: readonly string[] = ['lame-duck', 'max-idle', 'max-in-flight', 'max-waiting'];

const limitFlags = Object.fromEntries(
  Object.entries(LIMITS).map(([name, [limit, summary]]): [string, Flag] => {
    const isCount = name.startsWith('max-');
    const usual = DEFAULT_LIMITS[limit];
    return [
      name,
      {
        kind: isCount ? 'integer' : 'duration',
        summary,
        default: isCount ? `${usual}` : formatDuration(usual),
      },
    ];
  }),
) as { [Name in LimitFlag]: Flag & { kind: LimitKind<Name> } };

/** Every setting of fabio is a flag, as there; a page lists them (docs/moving/from-fabio.md). */
const fabioFlags = Object.fromEntries(
  SETTING_NAMES.map((name): [string, Flag] => {
    const kind = FABIO_SETTINGS[name].kind === 'flag' ? 'boolean' : 'string';
    return [name, { kind, summary: `As in fabio's settings.`, hidden: true }];
  }),
) as Record<SettingName, Flag & { kind: 'string' | 'boolean'; hidden: true }>;
const configFile = {
  kind: 'string',
  value: 'FILE',
  summary:
    "gobetween's configuration, as it is. Of the other flags the next ones and -timeout-drain go with it.",
} as const;

const flags = {
  cfg: {
    kind: 'string',
    value: 'FILE',
    summary:
      "fabio.properties, a path or a URL: the balancer does what it says. All of fabio's flags (-proxy.addr=…) and variables (FABIO_PROXY_ADDR) are taken too.",
  },
  version: { kind: 'boolean', summary: 'Prints the version and ends.' },
  v: { kind: 'boolean', summary: 'The same.' },
  listen: { kind: 'list', value: 'HOST:PORT', summary: 'Where requests come in; several with commas.' },
  upstream: {
    kind: 'list',
    value: 'HOST:PORT',
    summary:
      'Where they go; several with commas, each with what is said of it alone behind it: "host:port weight=3 zone=a canary=5% maxconn=8".',
  },
  ...routeFlags,
  ...checkFlags,
  ...l4Flags,
  ...tlsFlags,
  strategy: { kind: 'string', choices: STRATEGY_NAMES, summary: 'How an upstream is chosen.', default: 'rr' },
  admin: {
    kind: 'string',
    value: 'HOST:PORT',
    summary: 'Where the admin API listens; nowhere unless given.',
  },
  ...METRICS_FLAG,
  'otlp-endpoint': {
    kind: 'string',
    value: 'URL',
    summary:
      "OpenTelemetry collector that spans of requests are sent to, such as http://127.0.0.1:4318. OpenTelemetry's variables count too (OTEL_EXPORTER_OTLP_HEADERS for its keys).",
  },
  'trace-ratio': {
    kind: 'string',
    value: 'SHARE',
    summary:
      'Share of requests that are traced, from 0 to 1, where clients say nothing of it; 0: only traces that were begun elsewhere. Default: none, unless OTEL_TRACES_SAMPLER says so.',
  },
  workers: {
    kind: 'integer',
    summary:
      'Threads that carry the traffic. Default: one for each core where io_uring works, else one (MUSTER_TRANSPORT=net or uring says which).',
  },
  ...limitFlags,
  'retry-share': {
    kind: 'number',
    summary:
      'Requests that are sent again after an upstream has seen them, as a share of all; ten a second in any case.',
    default: `${DEFAULT_LIMITS.retryShare}`,
  },
  'timeout-drain': {
    kind: 'duration',
    summary: 'How long requests in flight may take to end when it stops.',
    default: formatDuration(DRAIN),
  },
  ...LOG_FLAGS,
  ...fabioFlags,
  c: configFile,
  config: configFile,
  ...gobetweenFlags,
} as const;
export type LbFlags = typeof flags;

export const lb = verb({
  about:
    'An upstream that refuses connections or cuts them is taken out, probed and taken back when it answers; requests that were not sent, or may be repeated, go to the next one. On SIGTERM or Ctrl-C it takes no more connections, lets what is in flight finish and ends; a second signal ends it at once.',
  args: [],
  examples: [
    { command: 'muster lb -listen 127.0.0.1:8080 -upstream 127.0.0.1:9001,127.0.0.1:9002' },
    {
      command: 'muster lb -cfg fabio.properties',
      does: 'in the place of fabio: routes from the tags of a registry',
    },
    {
      command:
        'muster lb -listen :80 -upstream "10.0.0.1:80 weight=3,10.0.0.2:80" -strategy leastconn -timeout-response 5s',
      does: 'three quarters to the first, at most 5 s until a response begins',
    },
    {
      command: 'muster lb -listen :80 -upstream 10.0.0.1:80,10.0.0.2:80 -check-http /health',
      does: 'requests only for upstreams that answer /health with 2xx',
    },
    {
      command:
        'muster lb -listen :80 -upstream "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 canary=5%" -options "sticky=true rate=20/s timeout=5s"',
      does: 'clients stay where they are, may ask 20 times a second each, and five of a hundred try the third upstream',
    },
    {
      command: 'muster lb -protocol tcp -listen :5432 -upstream 10.0.0.1:5432,10.0.0.2:5432',
      does: 'connections as they are; -protocol udp for datagrams',
    },
    { command: 'muster lb -c gobetween.toml', does: "TCP, TLS and UDP as gobetween's file says" },
    {
      command:
        'muster lb -listen :80 -listen-tls :443 -redirect-https -tls-cert web.pem -tls-key web-key.pem -upstream 10.0.0.1:80',
      does: 'HTTPS, and HTTP that leads there; the certificate is read again when it changes',
    },
  ],
  flags,
  async run({ flags: given, terminal }) {
    if (given.version === true || given.v === true) {
      terminal.out(`${VERSION} node${process.version}\n`);
      return 0;
    }
    const settings = settingsOf(given);
    const path = given.config ?? given.c;
    const mode = modeOf(given, settings, path);
    refuseIdle(given, mode);
    if (mode === 'fabio') {
      const { runFabio } = await import('../run-fabio.ts');
      const logFormat = given['log-json'] === true ? 'json' : 'pretty';
      const telemetry = telemetryChoice(given);
      return runFabio({
        file: given.cfg,
        flags: settings,
        env: terminal.env,
        pidFile: pidFileOf(given),
        workers: workersOf(given.workers),
        logFormat,
        telemetry,
      });
    }
    if (path !== undefined) return runFrom({ kind: 'file', path }, given, terminal.env);
    if (mode === 'tcp' || mode === 'udp') return balanceL4(mode, given);
    const tls = tlsOf(given);
    const plain =
      tls.listen.length > 0 && given.listen === undefined
        ? []
        : places('listen', given.listen, parseHostPort);
    const admin = given.admin === undefined ? undefined : place('admin', given.admin, parseHostPort);
    const { runLb } = await import('../run-lb.ts');
    const { upstreams, ...common } = commonOf(given);
    if (given['redirect-https'] === true && (tls.listen.length === 0 || plain.length === 0))
      throw new MusterError('usage', '-redirect-https needs -listen to come from and -listen-tls to lead to');
    await checkFiles(tls);
    return runLb({
      ...common,
      route: routeOf(given, upstreams, { tagPrefix: TAG_PREFIX, tlsPort: tls.listen[0]?.port }),
      check: checkOf(given),
      tagPrefix: TAG_PREFIX,
      listen: [...plain.map((place) => ({ ...place, http2: given.http2 === true })), ...tls.listen],
      certificates: tls.certificates,
      admin,
      limits: limitsOf(given),
      workers: workersOf(given.workers),
      telemetry: telemetryChoice(given),
      metrics: metricsPlace(given),
      env: terminal.env,
    });
  },
});

function telemetryChoice(given: FlagValues<LbFlags>): TelemetryChoice {
  const { 'otlp-endpoint': otlpEndpoint, 'trace-ratio': ratio } = given;
  if (otlpEndpoint !== undefined && !/^https?:/.test(URL.canParse(otlpEndpoint) ? otlpEndpoint : ''))
    throw new MusterError('usage', '-otlp-endpoint: expected a URL such as http://127.0.0.1:4318');
  const traceRatio = ratio === undefined ? undefined : Number(ratio || Number.NaN);
  if (traceRatio !== undefined && !(traceRatio >= 0 && traceRatio <= 1))
    throw new MusterError('usage', `-trace-ratio: expected a share from 0 to 1 such as 0.01, got "${ratio}"`);
  return { otlpEndpoint, traceRatio };
}

/** What of fabio's settings was given as flags. */
function settingsOf(given: FlagValues<LbFlags>): Record<string, string> {
  return Object.fromEntries(
    SETTING_NAMES.flatMap((name) => (given[name] === undefined ? [] : [[name, String(given[name])]])),
  );
}

function modeOf(
  { cfg, protocol = 'http' }: FlagValues<LbFlags>,
  settings: Readonly<Record<string, string>>,
  path: string | undefined,
): Mode {
  if (cfg !== undefined || Object.keys(settings).length > 0) return 'fabio';
  return path === undefined ? protocol : 'gobetween';
}

async function balanceL4(protocol: 'tcp' | 'udp', given: FlagValues<LbFlags>): Promise<number> {
  const { upstreams, ...common } = commonOf(given);
  for (const { host, port, words } of upstreams)
    if (words.length > 0)
      throw new MusterError(
        'usage',
        `-upstream ${formatHostPort(host, port)}: "${words[0]}" is for HTTP; with ${protocol} there are weight=, priority=, max_connections=, sni= and zone=`,
      );
  const { runL4 } = await import('../run-l4.ts');
  const tls = tlsOf(given);
  const plain =
    tls.listen.length > 0 && given.listen === undefined ? [] : places('listen', given.listen, parseHostPort);
  await checkFiles(tls);
  return runL4({
    ...common,
    upstreams,
    options: l4Options(given.options),
    check: checkOf(given),
    zone: given.zone ?? '',
    listen: [...plain, ...tls.listen],
    sources: [...tls.certificates.values()].flat(),
    listener: l4Listener(protocol, given),
    maxConnections: limitsOf(given).maxConnections,
  });
}

/** What both kinds of balancers have. */
function commonOf(given: FlagValues<LbFlags>) {
  const upstreams = upstreamsOf('upstream', given.upstream);
  if (upstreams.length === 0) throw new MusterError('usage', '-upstream is missing: say host:port');
  if (!upstreams.some(({ weight }) => weight > 0))
    throw new MusterError('usage', '-upstream: each one has weight 0, so none could get a request');
  return {
    upstreams,
    strategy: (given.strategy ?? 'rr') as StrategyName,
    pidFile: pidFileOf(given),
    drainTimeout: given['timeout-drain'] ?? DRAIN,
    log: logChoice(given),
  };
}

function place<Place>(flag: string, text: string, read: (text: string) => Place | undefined): Place {
  const found = read(text);
  if (found !== undefined) return found;
  throw new MusterError('usage', `-${flag}: expected host:port such as 127.0.0.1:8080, got "${text}"`);
}

function places<Place>(
  flag: string,
  given: readonly string[] | undefined,
  read: (text: string) => Place | undefined,
): Place[] {
  const texts = (given ?? []).flatMap((text) => text.split(',')).filter((text) => text.trim() !== '');
  if (texts.length === 0) throw new MusterError('usage', `-${flag} is missing: say host:port`);
  return texts.map((text) => place(flag, text.trim(), read));
}

/** More threads than this were given by mistake. */
const MOST_WORKERS = 256;

function workersOf(given: number | undefined): number | undefined {
  if (given !== undefined && (given < 1 || given > MOST_WORKERS))
    throw new MusterError('usage', `-workers has to be between 1 and ${MOST_WORKERS}`);
  return given;
}

function limitsOf(given: FlagValues<LbFlags>): Partial<ProxyLimits> {
  const limits: Partial<ProxyLimits> = {};
  for (const [name, [limit]] of Object.entries(LIMITS) as [LimitFlag, (typeof LIMITS)[LimitFlag]][]) {
    const value = given[name];
    if (value === undefined) continue;
    const least = MAY_BE_NONE.includes(name) ? 0 : 1;
    if (value < least)
      throw new MusterError('usage', `-${name} has to be ${least === 1 ? 'above 0' : '0 or more'}`);
    const most = limit === 'maxHead' || limit === 'maxFields' ? HARD_LIMITS[limit] : Number.POSITIVE_INFINITY;
    if (value > most) throw new MusterError('usage', `-${name} can be ${most} at most`);
    limits[limit] = value;
  }
  const share = given['retry-share'];
  if (share !== undefined && !(share >= 0 && share <= 1))
    throw new MusterError('usage', `-retry-share: expected a share from 0 to 1 such as 0.2, got ${share}`);
  return share === undefined ? limits : { ...limits, retryShare: share };
}
