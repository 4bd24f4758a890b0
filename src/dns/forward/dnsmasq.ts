import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileTrouble } from '../../errors.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import { addressBytes } from '../../lib/ip.ts';
import { parseDnsmasqServer } from './dnsmasq-server.ts';
import type { FixedAddress, ForwardOptions, Route } from './options.ts';

/** What a configuration of dnsmasq asks for, as far as it is about DNS. */
export interface DnsmasqSettings {
  /** Options that were named; the others are as they are. */
  readonly options: Partial<ForwardOptions>;
  /** Addresses to listen on; [] when none is named. */
  readonly listen: readonly string[];
  readonly port: number | undefined;
  /** Where the name servers of this machine are written; undefined with `no-resolv`. */
  readonly resolvFile: string | undefined;
  /** What was not understood, or has no meaning here: with file and line. */
  readonly warnings: readonly string[];
}

interface State {
  listen: string[];
  port: number | undefined;
  resolvFile: string | undefined;
  noHosts: boolean;
  hosts: string[];
  servers: HostPort[];
  routes: { domain: string; route: Route }[];
  addresses: FixedAddress[];
  records: ForwardOptions['records'][number][];
  options: { -readonly [Name in keyof ForwardOptions]?: ForwardOptions[Name] };
}

/** Takes the value of a key; answers with what is wrong with it. */
type Setting = (value: string, state: State) => string | undefined;

const flag =
  (set: (state: State) => void): Setting =>
  (value, state) => {
    if (value !== '') return 'takes no value';
    set(state);
    return undefined;
  };
const seconds =
  (set: (state: State, value: number) => void): Setting =>
  (value, state) => {
    if (!/^\d{1,9}$/.test(value)) return `expected a number, got ${JSON.stringify(value)}`;
    set(state, Number(value));
    return undefined;
  };
const text =
  (set: (state: State, value: string) => void): Setting =>
  (value, state) => {
    if (value === '') return 'a value is missing';
    set(state, value);
    return undefined;
  };

const server: Setting = (value, state) => {
  const read = parseDnsmasqServer(value);
  if (typeof read === 'string') return read;
  const { domains, route } = read;
  if (domains.length === 0) {
    if (typeof route === 'string') return 'a server without a domain needs an address';
    state.servers.push(...route);
    return undefined;
  }
  for (const domain of domains) {
    const known = state.routes.findIndex((one) => one.domain === domain);
    const before = state.routes[known]?.route;
    // Several lines for a domain are several servers for it.
    const whole = Array.isArray(before) && Array.isArray(route) ? [...before, ...route] : route;
    if (known === -1) state.routes.push({ domain, route: whole });
    else state.routes[known] = { domain, route: whole };
  }
  return undefined;
};

const address: Setting = (value, state) => {
  const parts = value.split('/');
  if (parts.length < 3 || parts[0] !== '') return 'expected /domain/address';
  const given = parts.at(-1) as string;
  const bytes = given === '#' ? [new Uint8Array(4), new Uint8Array(16)] : [addressBytes(given)];
  if (given !== '' && bytes.some((one) => one === undefined)) return `${JSON.stringify(given)} is no address`;
  for (const domain of parts.slice(1, -1))
    state.addresses.push({
      domain: domain === '#' ? '' : domain.replace(/^[*.]+/, ''),
      addresses: given === '' ? [] : (bytes as Uint8Array[]),
    });
  return undefined;
};

const hostRecord: Setting = (value, state) => {
  const parts = value.split(',').map((part) => part.trim());
  const names = parts.filter((part) => addressBytes(part) === undefined && !/^\d+$/.test(part));
  const addresses = parts.flatMap((part) => addressBytes(part) ?? []);
  if (names.length === 0 || addresses.length === 0) return 'expected name,address';
  for (const one of addresses) state.records.push({ names, address: one });
  return undefined;
};

/** The keys that are understood, one line each. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  server,
  local: server,
  'rev-server': () => 'use server=/…in-addr.arpa/address',
  address,
  'host-record': hostRecord,
  'addn-hosts': text((state, value) => state.hosts.push(value)),
  hostsdir: text((state, value) => state.hosts.push(value)),
  'no-hosts': flag((state) => {
    state.noHosts = true;
  }),
  'listen-address': text((state, value) => state.listen.push(...value.split(',').map((one) => one.trim()))),
  interface: (value, state) => {
    if (value !== 'lo') return 'name addresses with listen-address instead';
    state.listen.push('127.0.0.1');
    return undefined;
  },
  port: seconds((state, value) => {
    state.port = value;
  }),
  'no-resolv': flag((state) => {
    state.resolvFile = undefined;
  }),
  'resolv-file': text((state, value) => {
    state.resolvFile = value;
  }),
  'strict-order': flag((state) => {
    state.options.strategy = 'sequential';
  }),
  'all-servers': flag((state) => {
    state.options.strategy = 'race';
  }),
  'cache-size': seconds((state, value) => {
    state.options.cacheSize = value;
  }),
  'local-ttl': seconds((state, value) => {
    state.options.localTtl = value;
  }),
  'neg-ttl': seconds((state, value) => {
    state.options.negativeTtl = value;
  }),
  'max-ttl': seconds((state, value) => {
    state.options.maxTtl = value;
  }),
  'max-cache-ttl': seconds((state, value) => {
    state.options.maxTtl = Math.min(value, state.options.maxTtl ?? value);
  }),
  'min-cache-ttl': seconds((state, value) => {
    state.options.minTtl = Math.min(value, MAX_MIN_TTL);
  }),
  'no-negcache': flag((state) => {
    state.options.negativeTtl = 0;
    state.options.maxNegativeTtl = 0;
  }),
  'use-stale-cache': (value, state) => {
    if (!/^\d*$/.test(value)) return `expected seconds, got ${JSON.stringify(value)}`;
    state.options.staleFor = (value === '' ? 86_400 : Number(value)) * 1000;
    return undefined;
  },
  'dns-forward-max': seconds((state, value) => {
    state.options.perClient = value;
  }),
  'domain-needed': flag((state) => {
    state.options.domainNeeded = true;
  }),
  'bogus-priv': flag((state) => {
    state.options.bogusPrivate = true;
  }),
  'expand-hosts': flag((state) => {
    state.options.expandHosts = true;
  }),
  domain: text((state, value) => {
    state.options.domain = (value.split(',')[0] as string).trim();
  }),
  'stop-dns-rebind': flag((state) => {
    state.options.rebindProtection = true;
  }),
  'rebind-domain-ok': text((state, value) => {
    const domains = value.split('/').filter((one) => one !== '');
    state.options.rebindOk = [...(state.options.rebindOk ?? []), ...domains];
  }),
};

/** As in dnsmasq: nobody may keep everything for longer. */
const MAX_MIN_TTL = 3600;
/** Keys that change nothing here, because it is so in any case. */
const NEEDLESS = new Set([
  'bind-interfaces',
  'bind-dynamic',
  'no-poll',
  'no-daemon',
  'keep-in-foreground',
  'user',
  'group',
  'pid-file',
  'log-queries',
  'log-facility',
  'log-async',
  'clear-on-reload',
  'edns-packet-max',
  'query-port',
  'min-port',
  'max-port',
  'no-0x20-encode',
  'localise-queries',
  'filterwin2k',
  'dns-loop-detect',
  'no-ping',
  'rebind-localhost-ok',
  'no-dhcp-interface',
  'except-interface',
  'conf-dir',
]);

const RESOLV_FILE = '/etc/resolv.conf';
const HOSTS_FILE = '/etc/hosts';
/** Files that include files that include files. */
const MAX_DEPTH = 8;

/** Reads a configuration of dnsmasq and what it includes. Throws what the system says when `path` cannot be read. */
export function readDnsmasq(path: string): DnsmasqSettings {
  return settingsIn(path, readFileSync(path, 'utf8'));
}

/** The same for lines that are no file. */
export function readDnsmasqLines(lines: readonly string[]): DnsmasqSettings {
  return settingsIn('', lines.join('\n'));
}

function settingsIn(path: string, whole: string): DnsmasqSettings {
  const warnings: string[] = [];
  const state: State = {
    listen: [],
    port: undefined,
    resolvFile: RESOLV_FILE,
    noHosts: false,
    hosts: [],
    servers: [],
    routes: [],
    addresses: [],
    records: [],
    options: { strategy: 'fastest' },
  };
  const read = (file: string, content: string, depth: number) => {
    content.split(/\r?\n/).forEach((line, at) => {
      const where = `${file}:${at + 1}`;
      const stripped = line.replace(/(^|\s)#.*$/, '').trim();
      if (stripped === '') return;
      const equals = stripped.indexOf('=');
      const key = (equals === -1 ? stripped : stripped.slice(0, equals)).trim();
      const value =
        equals === -1
          ? ''
          : stripped
              .slice(equals + 1)
              .trim()
              .replace(/^"(.*)"$/, '$1');
      if (key === 'conf-file' || key === 'conf-dir' || key === 'servers-file') {
        for (const other of includedBy(key, value, warnings, where)) {
          if (depth >= MAX_DEPTH) warnings.push(`${where}: too many files inside files`);
          else include(other, where, depth + 1);
        }
        return;
      }
      const setting = SETTINGS[key];
      if (setting === undefined) {
        if (!NEEDLESS.has(key)) warnings.push(`${where}: ${key} is not known here and has no effect`);
        return;
      }
      const fault = setting(value, state);
      if (fault !== undefined) warnings.push(`${where}: ${key}: ${fault}`);
    });
  };
  const include = (file: string, where: string, depth: number) => {
    try {
      read(file, readFileSync(file, 'utf8'), depth);
    } catch (error) {
      warnings.push(`${where}: cannot read ${file}: ${fileTrouble(error)}`);
    }
  };
  read(path, whole, 0);
  const hosts = [...(state.noHosts ? [] : [HOSTS_FILE]), ...state.hosts];
  const { servers, routes, addresses, records } = state;
  return {
    options: { ...state.options, servers, routes, addresses, records, hosts },
    listen: state.listen,
    port: state.port,
    resolvFile: state.resolvFile,
    warnings,
  };
}

/** The files that `conf-dir=/folder,*.conf` and the like name. */
function includedBy(key: string, value: string, warnings: string[], where: string): string[] {
  if (key !== 'conf-dir') return [value];
  const [folder = '', ...filters] = value.split(',').map((one) => one.trim());
  const suffixes = filters.filter((one) => one.startsWith('*')).map((one) => one.slice(1));
  const not = filters.filter((one) => !one.startsWith('*'));
  try {
    return readdirSync(folder)
      .filter((name) => !/^\.|~$|^#.*#$/.test(name))
      .filter((name) => suffixes.length === 0 || suffixes.some((suffix) => name.endsWith(suffix)))
      .filter((name) => !not.some((suffix) => name.endsWith(suffix)))
      .sort()
      .map((name) => join(folder, name))
      .filter((file) => statSync(file).isFile());
  } catch (error) {
    warnings.push(`${where}: cannot read ${folder}: ${fileTrouble(error)}`);
    return [];
  }
}

/** The name servers of a resolv.conf that are not ourselves. */
export function serversIn(resolvConf: string, own: readonly string[]): HostPort[] {
  const servers: HostPort[] = [];
  for (const line of resolvConf.split(/\r?\n/)) {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    if (address === undefined || addressBytes(address) === undefined) continue;
    if (!own.includes(formatHostPort(address, 53))) servers.push({ host: address, port: 53 });
  }
  return servers;
}
