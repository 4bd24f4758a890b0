/** fabio's settings, checked and in Muster's terms. */
import { STRATEGY_NAMES, type StrategyName } from '../../balance/strategies.ts';
import type { CheckStatus } from '../../catalog/rows.ts';
import { type ClientOptions, type Consistency, clientOptionsFromEnv } from '../../client/index.ts';
import type { PassingRule } from '../../discovery/passing.ts';
import { isMusterError, MusterError, messageOf } from '../../errors.ts';
import { parseDuration } from '../../lib/duration.ts';
import { isFieldName } from '../../lib/field-name.ts';
import { compileGoRegexp } from '../../lib/go-regexp.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { LogLevel } from '../../lib/log.ts';
import { checkAccessFormat } from '../../proxy/access-log.ts';
import type { ProxyLimits } from '../../proxy/limits.ts';
import { type HeaderSettings, strictTransportOf } from '../../proxy/settings.ts';
import type { TableOptions } from '../../route/byte-table.ts';
import { MATCHER_NAMES, type MatcherName } from '../../route/paths.ts';
import type { AuthFile } from '../auth-files.ts';
import { addressOf } from './address.ts';
import { parseKeyValues } from './key-values.ts';
import { type FabioListener, parseListeners } from './listeners.ts';
import { readSettings, type SettingProblem, type SettingSources } from './read.ts';
import type { SettingName, SettingValues } from './settings.ts';

/** One of `proxy.cs`. */
export interface CertificateSource {
  readonly name: string;
  readonly type: 'file' | 'path' | 'http' | 'consul';
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
  /** Common name of a certificate of clients' that is to count as an authority. */
  readonly caUpgradeName: string;
  /** Milliseconds. */
  readonly refresh: number;
  /** Of requests to an HTTP source. */
  readonly headers: Readonly<Record<string, string>>;
}

const BACKENDS = ['consul', 'static', 'file', 'custom'] as const;
export type Backend = (typeof BACKENDS)[number];

const METRIC_TARGETS = [
  'prometheus',
  'statsd',
  'statsd_raw',
  'dogstatsd',
  'graphite',
  'stdout',
  'flat',
  'label',
] as const;
export type MetricTarget = (typeof METRIC_TARGETS)[number];

const ROUTE_LOGS = ['delta', 'detail', 'all'] as const;

export interface FabioConfig {
  /** As they were read, for what needs no more than the value. */
  readonly values: SettingValues;
  readonly listeners: readonly FabioListener[];
  readonly ui: FabioListener | undefined;
  readonly certificates: readonly CertificateSource[];
  readonly auth: readonly AuthFile[];
  readonly strategy: StrategyName;
  readonly table: TableOptions;
  readonly headers: HeaderSettings;
  readonly limits: Partial<ProxyLimits>;
  readonly backend: Backend;
  readonly rule: PassingRule;
  readonly consistency: Consistency;
  readonly access: 'ro' | 'rw';
  readonly logLevel: LogLevel;
  readonly routeLog: (typeof ROUTE_LOGS)[number];
  readonly metrics: readonly MetricTarget[];
  /** Of this machine, for `by=` of Forwarded; "": the first one that others may know. */
  readonly localAddress: string;
  /** Whether the balancer registers itself, besides the aliases that routes ask for. */
  readonly isRegistered: boolean;
  /** Where others reach the admin API; "" when it is turned off. */
  readonly registerAddress: string;
  /** How the registry is asked. */
  readonly client: ClientOptions;
  /** What Consul's variables say of tokens and TLS, for certificates from its key/value store. */
  readonly variables: ClientOptions;
}

/**
 * Reads all of it. Throws `config.invalid` (or `usage` for a flag) for what fabio refuses to start with, all at once; what it would
 * silently ignore is among the problems.
 */
export function readFabioConfig(sources: SettingSources): Omit<Examined, 'faults'> {
  const { faults, ...rest } = examineFabioConfig(sources);
  if (faults.length === 0) return rest;
  throw invalid(faults.map(({ place, message }) => `${place}: ${message}`).join('\n'));
}

export interface Examined {
  readonly config: FabioConfig;
  readonly problems: readonly SettingProblem[];
  /** What fabio refuses to start with. The configuration has something harmless in its place. */
  readonly faults: readonly SettingProblem[];
}

/** The same for who wants to know of everything. Throws `usage`. */
export function examineFabioConfig(sources: SettingSources): Examined {
  const read = readSettings(sources);
  const faults: SettingProblem[] = [];
  const problems = [...read.problems];
  const { values } = read;
  const note = (name: SettingName, message: string, isWrong: boolean) =>
    problems.push({ place: read.given.get(name) ?? name, message: `${name}: ${message}`, isWrong });
  /** What a setting comes to; `otherwise` when it is one that fabio refuses. */
  const attempt = <Value>(name: SettingName, otherwise: Value, make: () => Value): Value => {
    try {
      return make();
    } catch (error) {
      if (!isMusterError(error, 'config.invalid') && !isMusterError(error, 'config.unreadable')) throw error;
      faults.push({ place: read.given.get(name) ?? name, message: error.message, isWrong: true });
      return otherwise;
    }
  };
  const chosen = <Name extends string>(name: SettingName, names: readonly [Name, ...Name[]]): Name =>
    attempt(name, names[0], () => oneOf(name, String(values[name]), names));
  /** Where fabio starts with whatever is said: what is no name is told, and the first one holds. */
  const usual = <Name extends string>(
    name: SettingName,
    text: string,
    names: readonly [Name, ...Name[]],
  ): Name => {
    const found = names.find((one) => one === text);
    if (found === undefined)
      note(name, `"${text}" is none of ${names.join(', ')}; ${names[0]} is used`, true);
    return found ?? names[0];
  };
  const certificates = attempt('proxy.cs', undefined, () =>
    certificatesOf(values['proxy.cs'], (text) => note('proxy.cs', text, true)),
  );
  const timeouts = {
    readTimeout: values['proxy.readtimeout'],
    writeTimeout: values['proxy.writetimeout'],
  };
  const listen = (name: 'proxy.addr' | 'ui.addr') => {
    const listeners = parseListeners(name, values[name], timeouts, (text) => note(name, text, false));
    for (const { certificates: wanted } of listeners)
      if (wanted !== '' && certificates !== undefined && !certificates.some(({ name }) => name === wanted))
        throw invalid(`${name}: unknown certificate source "${wanted}"; proxy.cs has none of that name`);
    return listeners;
  };
  const ui = attempt('ui.addr', [], () => {
    const listeners = listen('ui.addr');
    if (listeners.length > 1) throw invalid('ui.addr must contain only one listener');
    return listeners;
  });
  attempt('proxy.noroutestatus', undefined, () => checkStatus(values['proxy.noroutestatus']));
  attempt('proxy.gzip.contenttype', undefined, () => checkContentTypes(values['proxy.gzip.contenttype']));
  const isStale = values['registry.consul.allowStale'];
  const isConsistent = values['registry.consul.requireConsistent'];
  attempt('registry.consul.allowStale', undefined, () => {
    if (isStale && isConsistent && read.given.has('registry.consul.requireConsistent'))
      throw invalid('registry.consul.allowStale and registry.consul.requireConsistent cannot both be true');
  });
  attempt('log.access.format', undefined, () => {
    const format = checkAccessFormat(values['log.access.format']);
    if (format !== undefined) throw invalid(`log.access.format: ${format}`);
  });
  const variables = attempt<ClientOptions>('registry.consul.token', {}, () => variablesOf(sources.env));
  const config: FabioConfig = {
    values,
    listeners: attempt('proxy.addr', [], () => listen('proxy.addr')),
    ui: ui[0],
    certificates: certificates ?? [],
    auth: attempt('proxy.auth', [], () => authOf(values['proxy.auth'])),
    strategy: attempt<StrategyName>('proxy.strategy', 'rr', () =>
      oneOf('proxy.strategy', values['proxy.strategy'], STRATEGY_NAMES),
    ),
    table: {
      matcher: attempt<MatcherName>('proxy.matcher', 'prefix', () =>
        oneOf('proxy.matcher', values['proxy.matcher'], MATCHER_NAMES),
      ),
      globs: !values['glob.matching.disabled'],
    },
    headers: headersOf(values, attempt),
    limits: limitsOf(values),
    backend: chosen('registry.backend', BACKENDS),
    rule: {
      statuses: values['registry.consul.service.status'] as CheckStatus[],
      checksRequired: usual('registry.consul.checksRequired', values['registry.consul.checksRequired'], [
        'one',
        'all',
      ]),
    },
    consistency: isStale ? 'stale' : isConsistent ? 'consistent' : 'default',
    access: chosen('ui.access', ['ro', 'rw']),
    logLevel: logLevelOf(values['log.level'], (text) => note('log.level', text, true)),
    routeLog: usual(
      'log.routes.format',
      values['proxy.log.routes'] || values['log.routes.format'],
      ROUTE_LOGS,
    ),
    metrics: metricsOf(values['metrics.target'], (text) => note('metrics.target', text, true)),
    localAddress: attempt('proxy.localip', '', () => addressOf('proxy.localip', values['proxy.localip'])),
    isRegistered: values['registry.consul.register.enabled'],
    registerAddress: attempt(
      'registry.consul.register.addr',
      '',
      () =>
        addressOf('registry.consul.register.addr', values['registry.consul.register.addr']) ||
        (ui[0] === undefined ? '' : formatHostPort(ui[0].host, ui[0].port)),
    ),
    client: clientOf(values, variables),
    variables,
  };
  faults.sort((a, b) => a.place.localeCompare(b.place, 'en', { numeric: true }));
  return { config, problems, faults };
}

/** fabio asks by Consul's own client, which takes from its variables what is not said otherwise. */
function variablesOf(env: SettingSources['env']): ClientOptions {
  // Where it is and whether it speaks TLS the settings always say.
  const { address, tls, ...rest } = clientOptionsFromEnv(env);
  return rest;
}

function clientOf(values: SettingValues, variables: ClientOptions): ClientOptions {
  const given = {
    token: values['registry.consul.token'],
    caFile: values['registry.consul.tls.cafile'],
    caPath: values['registry.consul.tls.capath'],
    certFile: values['registry.consul.tls.certfile'],
    keyFile: values['registry.consul.tls.keyfile'],
  };
  return {
    ...variables,
    ...Object.fromEntries(Object.entries(given).filter(([, text]) => text !== '')),
    address: values['registry.consul.addr'],
    ...(values['registry.consul.tls.insecureskipverify'] ? { verifyTls: false } : {}),
  };
}

function checkStatus(status: number): void {
  if (status < 100 || status > 999) throw invalid('proxy.noroutestatus must be between 100 and 999');
}

function checkContentTypes(expression: string): void {
  if (expression === '') return;
  try {
    compileGoRegexp(expression);
  } catch (error) {
    throw invalid(`proxy.gzip.contenttype: invalid expression for content types: ${messageOf(error)}`);
  }
}

function oneOf<Name extends string>(setting: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw invalid(`invalid ${setting}: ${text}; there are ${names.join(', ')}`);
  return found;
}

type Note = (message: string) => void;

const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
};

function logLevelOf(text: string, note: Note): LogLevel {
  const level = LEVELS[text.toLowerCase()];
  if (level === undefined) note(`"${text}" is none of ${Object.keys(LEVELS).join(', ')}; info is used`);
  return level ?? 'info';
}

function metricsOf(text: string, note: Note): MetricTarget[] {
  return text.split(',').flatMap((part) => {
    const name = part.trim();
    if (name === '') return [];
    const known = METRIC_TARGETS.find((target) => target === name);
    if (known === undefined) note(`"${name}" is left out; there are ${METRIC_TARGETS.join(', ')}`);
    return known ?? [];
  });
}

type Attempt = <Value>(name: SettingName, otherwise: Value, make: () => Value) => Value;

function headersOf(values: SettingValues, attempt: Attempt): HeaderSettings {
  const maxAge = values['proxy.header.sts.maxage'];
  const strictTransport = strictTransportOf(maxAge, {
    subdomains: values['proxy.header.sts.subdomains'],
    preload: values['proxy.header.sts.preload'],
  });
  const name = (setting: SettingName): string =>
    attempt(setting, '', () => {
      const text = String(values[setting]);
      if (text !== '' && !isFieldName(text))
        throw invalid(`${setting}: "${text}" is no name of a header field`);
      return text;
    });
  const clientIp = name('proxy.header.clientip');
  const requestId = name('proxy.header.requestid');
  const tls = name('proxy.header.tls');
  return {
    ...(clientIp === '' ? {} : { clientIp }),
    ...(requestId === '' ? {} : { requestId }),
    ...(tls === ''
      ? {}
      : { tls: { name: tls, value: values['proxy.header.tls.value'].replace(/\p{Cc}/gu, ' ') } }),
    ...(maxAge > 0 ? { strictTransport } : {}),
  };
}

/** 0 means "no limit" in fabio; the limits that Muster has anyhow hold then. */
function limitsOf(values: SettingValues): Partial<ProxyLimits> {
  const dial = values['proxy.dialtimeout'];
  const head = values['proxy.responseheadertimeout'];
  return {
    ...(dial > 0 ? { connectTimeout: dial } : {}),
    ...(head > 0 ? { responseTimeout: head } : {}),
    upstreamIdleTimeout: values['proxy.idleconntimeout'],
    maxIdlePerTarget: values['proxy.maxconn'],
  };
}

function entriesOf(setting: SettingName, text: string): Map<string, string>[] {
  const entries = parseKeyValues(text);
  if (typeof entries === 'string') throw invalid(`${setting}: ${entries}`);
  return entries;
}

function authOf(text: string): AuthFile[] {
  return entriesOf('proxy.auth', text).map((entry) => {
    const name = entry.get('name') ?? '';
    if (name === '') throw invalid("missing 'name' in proxy.auth");
    const type = entry.get('type') ?? '';
    if (type === '') throw invalid(`missing 'type' in proxy.auth '${name}'`);
    if (type !== 'basic') throw invalid(`unknown type '${type}' in proxy.auth '${name}'; there is basic`);
    const file = entry.get('file') ?? '';
    if (file === '') throw invalid(`missing 'file' in proxy.auth '${name}'`);
    const refresh = refreshOf('proxy.auth', entry, 0);
    return { name, file, realm: entry.get('realm') || name, refresh, asFabio: true };
  });
}

const CERTIFICATE_TYPES = ['file', 'path', 'http', 'consul'] as const;
/** fabio's; files and keys are looked at as often, which fabio does not. */
const CERTIFICATE_REFRESH = 3_000;

function certificatesOf(text: string, note: Note): CertificateSource[] {
  return entriesOf('proxy.cs', text).map((entry) => {
    const name = entry.get('cs') ?? '';
    if (name === '') throw invalid("missing 'cs' in proxy.cs");
    const cert = entry.get('cert') ?? '';
    if (cert === '') throw invalid(`missing 'cert' in proxy.cs '${name}'`);
    const type = entry.get('type') ?? '';
    if (type === '') throw invalid(`missing 'type' in proxy.cs '${name}'`);
    if (type.startsWith('vault'))
      throw invalid(
        `proxy.cs '${name}': certificates from Vault are not supported; there are ${CERTIFICATE_TYPES.join(', ')}`,
      );
    const headers: Record<string, string> = {};
    const header = entry.get('hdr');
    if (header !== undefined) {
      const [, key, value] = /^([^:]+): (.+)$/.exec(header) ?? [];
      if (key === undefined || value === undefined)
        throw invalid(`proxy.cs '${name}': invalid header ${header}`);
      headers[key] = value;
    }
    if (entry.has('vaultfetchtoken')) note(`'${name}': vaultfetchtoken= has no effect`);
    return {
      name,
      type: oneOf(`type in proxy.cs '${name}'`, type, CERTIFICATE_TYPES),
      cert,
      key: entry.get('key') ?? '',
      clientCa: entry.get('clientca') ?? '',
      caUpgradeName: entry.get('caupgcn') ?? '',
      refresh: refreshOf('proxy.cs', entry, CERTIFICATE_REFRESH),
      headers,
    };
  });
}

/** Not more often than once a second, as in fabio. */
function refreshOf(setting: SettingName, entry: ReadonlyMap<string, string>, usual: number): number {
  const text = entry.get('refresh') ?? '';
  if (text === '') return usual;
  const ms = parseDuration(text);
  if (ms === undefined) throw invalid(`${setting}: refresh: expected a duration such as 10s, got "${text}"`);
  return ms === 0 ? 0 : Math.max(1_000, ms);
}

function invalid(message: string): MusterError {
  return new MusterError('config.invalid', message);
}
