/**
 * fabio's settings: every one by its name, with its kind and default. The same table reads properties files, FABIO_*
 * variables and flags. `effect` is said of those that Muster takes without acting on them.
 */
import { parseDuration } from '../../lib/duration.ts';

/** How a value is read; undefined when it cannot be. */
const KINDS = {
  text: { expects: 'a text', read: (text: string) => text as string | undefined },
  /** As Go's ParseBool. */
  flag: {
    expects: 'true or false',
    read: (text: string) =>
      /^(?:1|t|T|true|TRUE|True)$/.test(text)
        ? true
        : /^(?:0|f|F|false|FALSE|False)$/.test(text)
          ? false
          : undefined,
  },
  number: {
    expects: 'a whole number',
    read: (text: string) => (/^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined),
  },
  /** Milliseconds. */
  duration: { expects: 'a duration such as 10s or 250ms', read: (text: string) => parseDuration(text) },
  /** With a scheme or without, which is http; what follows the host and port is of no account. */
  address: {
    expects: 'an address such as localhost:8500',
    read: (text: string): string | undefined => {
      const [, scheme = '', place = ''] = /^(https?:\/\/)?([^/]*)/i.exec(text) ?? [];
      return scheme.toLowerCase() === 'https://' ? `https://${place}` : place;
    },
  },
  list: {
    expects: 'a list with commas',
    read: (text: string): readonly string[] | undefined =>
      text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()])),
  },
} as const;

type Kind = keyof typeof KINDS;
type ValueOf<K extends Kind> = NonNullable<ReturnType<(typeof KINDS)[K]['read']>>;

export interface Setting<K extends Kind = Kind> {
  readonly kind: K;
  readonly usual: ValueOf<K>;
  /** Why it does nothing here; undefined when it does. */
  readonly ignored?: string;
}

const text = (usual = ''): Setting<'text'> => ({ kind: 'text', usual });
const address = (usual: string): Setting<'address'> => ({ kind: 'address', usual });
const flag = (usual = false): Setting<'flag'> => ({ kind: 'flag', usual });
const number = (usual: number): Setting<'number'> => ({ kind: 'number', usual });
const duration = (usual: string): Setting<'duration'> => ({
  kind: 'duration',
  usual: parseDuration(usual) ?? 0,
});
const list = (usual: readonly string[] = []): Setting<'list'> => ({ kind: 'list', usual });
const ignored = <K extends Kind>(setting: Setting<K>, why: string): Setting<K> => ({
  ...setting,
  ignored: why,
});

const GO = 'it is about the Go runtime';
const BGP = 'Muster announces no addresses over BGP';
const CIRCONUS = 'Muster does not speak to Circonus; use prometheus, statsd or graphite';

export const FABIO_SETTINGS = {
  insecure: ignored(flag(), 'Muster may run as root'),
  'proxy.maxconn': number(10_000),
  'proxy.strategy': text('rnd'),
  'proxy.matcher': text('prefix'),
  'proxy.noroutestatus': number(404),
  'proxy.shutdownwait': duration('0s'),
  'proxy.deregistergraceperiod': duration('0s'),
  'proxy.dialtimeout': duration('30s'),
  'proxy.responseheadertimeout': duration('0s'),
  'proxy.keepalivetimeout': ignored(
    duration('0s'),
    'a connection to an instance that has died is noticed with its next request, which goes by another one',
  ),
  'proxy.idleconntimeout': duration('15s'),
  'proxy.localip': text(),
  'proxy.header.clientip': text(),
  'proxy.header.tls': text(),
  'proxy.header.tls.value': text(),
  'proxy.header.requestid': text(),
  'proxy.header.sts.maxage': number(0),
  'proxy.header.sts.subdomains': flag(),
  'proxy.header.sts.preload': flag(),
  'proxy.grpcmaxrxmsgsize': ignored(
    number(4_194_304),
    'messages pass through in pieces, whatever their size',
  ),
  'proxy.grpcmaxtxmsgsize': ignored(
    number(4_194_304),
    'messages pass through in pieces, whatever their size',
  ),
  'proxy.grpcshutdowntimeout': ignored(duration('2s'), 'connections to instances end with their last stream'),
  'proxy.gzip.contenttype': text(),
  'proxy.addr': text(':9999'),
  'proxy.cs': text(),
  'proxy.readtimeout': duration('0s'),
  'proxy.writetimeout': duration('0s'),
  'proxy.flushinterval': ignored(duration('1s'), 'every piece of an answer is sent on at once'),
  'proxy.globalflushinterval': ignored(duration('0s'), 'every piece of an answer is sent on at once'),
  'proxy.auth': text(),
  'proxy.log.routes': text(),
  'log.access.format': text('common'),
  'log.access.target': text(),
  'log.routes.format': text('delta'),
  'log.level': text('INFO'),
  'metrics.target': text(),
  'metrics.prefix': text('{{clean .Hostname}}.{{clean .Exec}}'),
  'metrics.names': text('{{clean .Service}}.{{clean .Host}}.{{clean .Path}}.{{clean .TargetURL.Host}}'),
  'metrics.interval': duration('30s'),
  'metrics.timeout': ignored(duration('10s'), 'metrics never hold up the start'),
  'metrics.retry': ignored(duration('500ms'), 'metrics never hold up the start'),
  'metrics.graphite.addr': text(),
  'metrics.statsd.addr': text(),
  'metrics.dogstatsd.addr': text(),
  'metrics.circonus.apikey': ignored(text(), CIRCONUS),
  'metrics.circonus.apiapp': ignored(text('fabio'), CIRCONUS),
  'metrics.circonus.apiurl': ignored(text(), CIRCONUS),
  'metrics.circonus.brokerid': ignored(text(), CIRCONUS),
  'metrics.circonus.checkid': ignored(text(), CIRCONUS),
  'metrics.circonus.submissionurl': ignored(text(), CIRCONUS),
  'metrics.prometheus.subsystem': text(),
  'metrics.prometheus.path': text('/metrics'),
  'metrics.prometheus.buckets': list([
    '.005',
    '.01',
    '.025',
    '.05',
    '.1',
    '.25',
    '.5',
    '1',
    '2.5',
    '5',
    '10',
  ]),
  'registry.backend': text('consul'),
  'registry.timeout': duration('10s'),
  'registry.retry': ignored(duration('500ms'), 'it is asked again soon, and less and less often'),
  'registry.file.path': text(),
  'registry.file.noroutehtmlpath': text(),
  'registry.static.routes': text(),
  'registry.static.noroutehtml': text(),
  'registry.consul.addr': address('localhost:8500'),
  'registry.consul.token': text(),
  'registry.consul.namespace': ignored(text(), 'namespaces belong to Consul Enterprise'),
  'registry.consul.kvpath': text('/fabio/config'),
  'registry.consul.noroutehtmlpath': text('/fabio/noroute.html'),
  'registry.consul.tagprefix': text('urlprefix-'),
  'registry.consul.tls.keyfile': text(),
  'registry.consul.tls.certfile': text(),
  'registry.consul.tls.cafile': text(),
  'registry.consul.tls.capath': text(),
  'registry.consul.tls.insecureskipverify': flag(),
  'registry.consul.register.enabled': flag(true),
  'registry.consul.register.addr': text(),
  'registry.consul.register.name': text('fabio'),
  'registry.consul.register.tags': list(),
  'registry.consul.register.checkInterval': duration('1s'),
  'registry.consul.register.checkTimeout': duration('3s'),
  'registry.consul.register.checkTLSSkipVerify': flag(),
  'registry.consul.register.checkDeregisterCriticalServiceAfter': ignored(text(), 'fabio ignores it too'),
  'registry.consul.service.status': list(['passing']),
  'registry.consul.checksRequired': text('one'),
  'registry.consul.serviceMonitors': ignored(number(1), 'every service is watched on its own'),
  'registry.consul.pollinterval': duration('0s'),
  'registry.consul.requireConsistent': flag(true),
  'registry.consul.allowStale': flag(),
  'registry.custom.host': text(),
  'registry.custom.scheme': text('https'),
  'registry.custom.noroutehtml': text(),
  'registry.custom.checkTLSSkipVerify': flag(),
  'registry.custom.timeout': duration('5s'),
  'registry.custom.pollinterval': duration('10s'),
  'registry.custom.path': text(),
  'registry.custom.queryparams': text(),
  'runtime.gogc': ignored(number(100), GO),
  'runtime.gomaxprocs': ignored(number(-1), GO),
  'ui.access': text('rw'),
  'ui.addr': text(':9998'),
  'ui.color': text('light-green'),
  'ui.title': text(),
  'ui.path': text(),
  'ui.routingtable.source.linkenabled': flag(),
  'ui.routingtable.source.newtab': flag(true),
  'ui.routingtable.source.scheme': text('http'),
  'ui.routingtable.source.host': text(),
  'ui.routingtable.source.port': text(),
  'profile.mode': ignored(text(), 'use the profiler of Node (node --cpu-prof)'),
  'profile.path': ignored(text(), 'use the profiler of Node (node --cpu-prof)'),
  'glob.matching.disabled': flag(),
  'glob.cache.size': ignored(number(1_000), 'patterns are compiled once'),
  'aws.apigw.cert.cn': ignored(text(), 'write caupgcn= in proxy.cs'),
  'bgp.enabled': ignored(flag(), BGP),
  'bgp.asn': ignored(number(65_000), BGP),
  'bgp.anycastaddresses': ignored(list(), BGP),
  'bgp.routerid': ignored(text(), BGP),
  'bgp.listenport': ignored(number(179), BGP),
  'bgp.listenaddresses': ignored(list(['0.0.0.0']), BGP),
  'bgp.peers': ignored(text(), BGP),
  'bgp.enablegrpc': ignored(flag(), BGP),
  'bgp.grpclistenaddress': ignored(text('127.0.0.1:50051'), BGP),
  'bgp.nexthop': ignored(text(), BGP),
  'bgp.gobgpdcfgfile': ignored(text(), BGP),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof FABIO_SETTINGS;

export type SettingValues = {
  readonly [Name in SettingName]: ValueOf<(typeof FABIO_SETTINGS)[Name]['kind']>;
};

export const SETTING_NAMES = Object.keys(FABIO_SETTINGS) as SettingName[];

/** The value of a text, or what was expected instead. */
export function readSetting(name: SettingName, text: string): { value: unknown } | { expects: string } {
  const { expects, read } = KINDS[FABIO_SETTINGS[name].kind];
  const value = read(text);
  return value === undefined ? { expects } : { value };
}
