/** Flags of `muster agent`: Consul's, each with the key of the configuration that it sets. */

import type { ConfigSource } from '../agent/config/read.ts';
import { MusterError } from '../errors.ts';
import { LOG_LEVELS } from '../lib/log.ts';
import type { Flag, FlagValues } from './flags.ts';

interface AgentFlag extends Flag {
  /** The key it sets, as written in a file. Without one the flag is accepted and has no effect yet. */
  sets?: string;
  /** Values for which "no effect yet" would be wrong: what they ask for is what happens anyway. */
  granted?: readonly unknown[];
}

/** For files whose names do not tell. */
export const CONFIG_FORMAT = {
  kind: 'string',
  value: 'FORMAT',
  choices: ['json', 'hcl'],
  summary: 'Format of files whose name ends in nothing known.',
} as const satisfies Flag;

/** Grouped as one would look for them. */
export const AGENT_FLAGS = {
  dev: { kind: 'boolean', sets: 'node.dev', summary: 'Everything in memory; for trying things out.' },
  'data-dir': { kind: 'string', value: 'DIR', sets: 'node.data_dir', summary: 'Where the catalog is kept.' },
  node: { kind: 'string', value: 'NAME', sets: 'node.name', summary: 'Name of this node.' },
  'node-id': { kind: 'string', value: 'UUID', sets: 'node.id', summary: 'Identity of this node.' },
  'node-meta': {
    kind: 'list',
    value: 'KEY:VALUE',
    sets: 'node.meta',
    summary: 'A piece of metadata of this node.',
  },
  datacenter: { kind: 'string', value: 'NAME', sets: 'node.datacenter', summary: 'Name of the datacenter.' },
  client: {
    kind: 'string',
    value: 'ADDRESS',
    sets: 'node.client',
    summary: 'Where the HTTP API and DNS listen.',
  },
  bind: {
    kind: 'string',
    value: 'ADDRESS',
    sets: 'node.bind',
    summary: 'Where traffic between nodes comes in.',
  },
  advertise: { kind: 'string', value: 'ADDRESS', sets: 'node.advertise', summary: 'What others are told.' },
  'http-port': {
    kind: 'integer',
    value: 'PORT',
    sets: 'ports.http',
    summary: 'HTTP API and dashboard; -1: off.',
  },
  'https-port': {
    kind: 'integer',
    value: 'PORT',
    sets: 'ports.https',
    summary: 'HTTP API over TLS, with the certificate of the configuration; -1: off.',
  },
  'dns-port': { kind: 'integer', value: 'PORT', sets: 'ports.dns', summary: 'DNS; -1: off.' },
  'server-port': {
    kind: 'integer',
    value: 'PORT',
    sets: 'ports.server',
    summary: 'Links between the nodes of a cluster.',
  },
  'serf-lan-port': {
    kind: 'integer',
    value: 'PORT',
    sets: 'ports.serf_lan',
    summary: 'Shown to clients; nothing listens on it yet.',
  },
  'serf-wan-port': {
    kind: 'integer',
    value: 'PORT',
    sets: 'ports.serf_wan',
    summary: 'Shown to clients; nothing listens on it yet.',
  },
  domain: {
    kind: 'string',
    value: 'NAME',
    sets: 'dns.domain',
    summary: 'Domain that is answered from the catalog.',
  },
  'alt-domain': { kind: 'string', value: 'NAME', sets: 'dns.alt_domain', summary: 'A second such domain.' },
  ui: { kind: 'boolean', sets: 'api.ui', summary: 'Serve the dashboard; on unless told otherwise.' },
  'enable-script-checks': {
    kind: 'boolean',
    sets: 'health.enable_script_checks',
    summary: 'Allow checks that run programs.',
  },
  'enable-local-script-checks': {
    kind: 'boolean',
    sets: 'health.enable_local_script_checks',
    summary: 'Allow such checks from files only.',
  },
  'log-level': {
    kind: 'string',
    value: 'LEVEL',
    sets: 'log.level',
    choices: [...LOG_LEVELS, 'err', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'ERR'],
    summary: 'Least important lines that are written.',
  },
  'log-json': { kind: 'boolean', summary: 'Log lines as JSON.' },
  'log-file': {
    kind: 'string',
    value: 'FILE',
    sets: 'log.file',
    summary: 'A file for log lines besides; a folder when it ends with a slash.',
  },
  'log-rotate-bytes': {
    kind: 'integer',
    sets: 'log.rotate_bytes',
    summary: 'Size at which the file is begun anew.',
  },
  'log-rotate-duration': {
    kind: 'string',
    value: 'DURATION',
    sets: 'log.rotate_duration',
    summary: 'And its age.',
  },
  'log-rotate-max-files': {
    kind: 'integer',
    sets: 'log.rotate_max_files',
    summary: 'Earlier files that are kept; 0: all, -1: none.',
  },
  'config-file': {
    kind: 'list',
    value: 'FILE',
    summary: "A configuration file: TOML or JSON of Muster's, JSON or HCL of Consul's.",
  },
  'config-dir': {
    kind: 'list',
    value: 'DIR',
    into: 'config-file',
    summary: 'All .toml, .json and .hcl files of a directory, in the order of their names.',
  },
  'config-format': CONFIG_FORMAT,
  hcl: {
    kind: 'list',
    value: 'TEXT',
    summary: "A piece of such a file of Consul's; counts more than files and flags.",
  },
  'pid-file': {
    kind: 'string',
    value: 'FILE',
    sets: 'node.pid_file',
    summary: 'Where to write the process id.',
  },
  balancer: {
    kind: 'boolean',
    sets: 'balancer.enabled',
    summary: 'Balance traffic on this node; on unless told otherwise.',
  },
  'balancer-listen': {
    kind: 'list',
    value: 'ADDRESS',
    sets: 'balancer.listen',
    summary: 'Where requests come in, host:port.',
  },
  'balancer-admin': {
    kind: 'string',
    value: 'ADDRESS',
    sets: 'balancer.admin',
    summary: 'Routes and counters of the balancer, host:port.',
  },

  server: {
    kind: 'boolean',
    sets: 'cluster.server',
    summary: 'Take part in keeping the catalog of a cluster.',
  },
  bootstrap: {
    kind: 'boolean',
    granted: [true, false],
    summary: 'The only server: what an agent is that joins nobody.',
  },
  'bootstrap-expect': {
    kind: 'integer',
    value: 'NUMBER',
    sets: 'cluster.bootstrap_expect',
    summary: 'How many servers found the cluster together.',
  },
  join: { kind: 'list', value: 'ADDRESS', into: 'retry-join', summary: 'The same as -retry-join.' },
  'retry-join': {
    kind: 'list',
    value: 'ADDRESS',
    sets: 'cluster.retry_join',
    summary:
      'Where servers may be: host, host:port, srv:NAME, file:PATH or exec:COMMAND; tried until one is there.',
  },
  'auto-join': {
    kind: 'string',
    value: 'NAME',
    sets: 'cluster.auto_join',
    summary: 'Find the servers of this name, with the same key, on the local network by multicast.',
  },
  'retry-interval': { kind: 'duration', summary: 'Pause between such attempts.' },
  'retry-max': { kind: 'integer', summary: 'Most such attempts.' },
  'join-wan': { kind: 'list', value: 'ADDRESS', summary: 'A server of another datacenter.' },
  'retry-join-wan': { kind: 'list', value: 'ADDRESS', summary: 'The same, tried until it is there.' },
  'retry-interval-wan': { kind: 'duration', summary: 'Pause between such attempts.' },
  'retry-max-wan': { kind: 'integer', summary: 'Most such attempts.' },
  'serf-lan-allowed-cidrs': { kind: 'list', value: 'RANGE', summary: 'From where gossip is taken.' },
  'serf-wan-allowed-cidrs': { kind: 'list', value: 'RANGE', summary: 'The same between datacenters.' },
  'primary-gateway': { kind: 'list', value: 'ADDRESS', summary: 'A gateway of a mesh.' },
  rejoin: { kind: 'boolean', granted: [false], summary: 'Join again after a leave.' },
  encrypt: {
    kind: 'string',
    value: 'KEY',
    sets: 'cluster.encrypt',
    summary: 'Key of the cluster, from `muster keygen`.',
  },
  'grpc-port': {
    kind: 'integer',
    value: 'PORT',
    granted: [-1],
    summary: 'For a service mesh, which Muster has not.',
  },
  'advertise-wan': { kind: 'string', value: 'ADDRESS', summary: 'What other datacenters are told.' },
  'serf-lan-bind': { kind: 'string', value: 'ADDRESS', summary: 'Where traffic of the cluster comes in.' },
  'serf-wan-bind': {
    kind: 'string',
    value: 'ADDRESS',
    summary: 'Where traffic of other datacenters comes in.',
  },
  'disable-host-node-id': {
    kind: 'boolean',
    granted: [true, false],
    summary: 'The node id is never made from the machine.',
  },
  'disable-keyring-file': { kind: 'boolean', granted: [true, false], summary: 'No keys are kept in files.' },
  recursor: {
    kind: 'list',
    value: 'ADDRESS',
    sets: 'dns.recursors',
    summary: 'A name server for all other names.',
  },
  'default-query-time': {
    kind: 'string',
    value: 'DURATION',
    sets: 'api.default_query_time',
    summary: 'How long a blocking query waits when it does not say.',
  },
  'max-query-time': {
    kind: 'string',
    value: 'DURATION',
    sets: 'api.max_query_time',
    summary: 'Longest such wait.',
  },
  'allow-write-http-from': {
    kind: 'list',
    value: 'RANGE',
    sets: 'api.allow_write_from',
    summary: 'From where requests that change something are taken, such as 127.0.0.0/8.',
  },
  'ui-dir': { kind: 'string', value: 'DIR', summary: 'A dashboard of one’s own.' },
  'ui-content-path': {
    kind: 'string',
    value: 'PATH',
    granted: ['/ui/', '/ui', 'ui'],
    summary: 'Where the dashboard is served.',
  },
  syslog: { kind: 'boolean', granted: [false], summary: 'Log lines go to standard error.' },
  protocol: { kind: 'integer', summary: 'Version of Consul’s gossip.' },
  'raft-protocol': { kind: 'integer', summary: 'Version of Consul’s consensus.' },
  'non-voting-server': { kind: 'boolean', granted: [false], summary: 'A server that only reads.' },
  'read-replica': { kind: 'boolean', granted: [false], summary: 'The same.' },
  segment: { kind: 'string', summary: 'Part of a network.' },
} as const satisfies Readonly<Record<string, AgentFlag>>;

export type AgentFlagValues = FlagValues<typeof AGENT_FLAGS>;

/** Spellings of log levels that Consul takes besides. */
function logLevel(level: string): string {
  const lower = level.toLowerCase();
  return lower === 'err' ? 'error' : lower;
}

/** The flags as one part of the configuration; errors in it name the flag. */
export function flagsAsSource(values: AgentFlagValues, directory: string): ConfigSource {
  const value: Record<string, Record<string, unknown>> = {};
  const flagOf = new Map<string, string>();
  const set = (key: string, flag: string, to: unknown): void => {
    const [section = '', name = ''] = key.split('.');
    value[section] = { ...value[section], [name]: to };
    flagOf.set(key, flag);
  };
  for (const [flag, row] of Object.entries(AGENT_FLAGS) as [string, AgentFlag][]) {
    const given = (values as Record<string, unknown>)[flag];
    if (given === undefined || row.sets === undefined) continue;
    if (flag === 'log-level') set(row.sets, flag, logLevel(given as string));
    else if (flag === 'node-meta') set(row.sets, flag, Object.fromEntries((given as string[]).map(metaPair)));
    else set(row.sets, flag, given);
  }
  if (values['log-json']) set('log.format', 'log-json', 'json');
  return {
    name: 'command line',
    directory,
    value,
    place: (path) => {
      const flag = flagOf.get(path.slice(0, 2).join('.'));
      return flag === undefined ? 'command line' : `-${flag}`;
    },
  };
}

function metaPair(text: string): [string, string] {
  const at = text.indexOf(':');
  if (at < 1) throw new MusterError('usage', `-node-meta: expected KEY:VALUE, got "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Flags that were given, are accepted and change nothing yet, in the order of the table. */
export function flagsWithoutEffect(values: AgentFlagValues): string[] {
  return (Object.entries(AGENT_FLAGS) as [string, AgentFlag][])
    .filter(([flag, row]) => {
      const given = (values as Record<string, unknown>)[flag];
      if (given === undefined || row.sets !== undefined || row.granted?.includes(given)) return false;
      return !['log-json', 'config-file', 'config-format', 'hcl'].includes(flag);
    })
    .map(([flag]) => `-${flag}`);
}
