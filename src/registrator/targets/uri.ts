import { Client } from '../../client/client.ts';
import { type ClientOptions, clientOptionsFromEnv } from '../../client/options.ts';
import { MusterError } from '../../errors.ts';
import { nearest } from '../../lib/nearest.ts';
import type { Target } from '../target.ts';
import { consulTarget } from './consul.ts';
import { consulKvTarget } from './consulkv.ts';
import { type EtcdRecords, etcdTarget } from './etcd.ts';
import { etcdOptionsFromEnv } from './etcd-env.ts';
import { addressRecords, dnsRecords } from './etcd-records.ts';

export interface TargetOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostname: string;
  /** Milliseconds; 0 for ever. */
  readonly ttl: number;
}

interface Place {
  /** As it was written, for messages. */
  readonly uri: string;
  /** "host" or "host:port", or ""; etcd's may be several, with commas. */
  readonly host: string;
  /** From the first slash on, or "". */
  readonly path: string;
  readonly query: URLSearchParams;
}

type Kind = (place: Place, options: TargetOptions) => Target;

/** The kinds of registries by the scheme of their URI. */
const KINDS = {
  consul: ({ uri, host }, { env }) => consulTarget(clientAt(host, env), uri),
  'consul-tls': ({ uri, host }, { env }) => consulTarget(clientAt(`https://${host}`, env), uri),
  'consul-unix': ({ uri, host, path }, { env }) => consulTarget(clientAt(`unix://${host}${path}`, env), uri),
  consulkv: ({ uri, host, path }, { env, hostname }) =>
    consulKvTarget(clientAt(host, env), uri, baseOf(uri, path), hostname),
  'consulkv-unix': ({ uri, host, path }, { env, hostname }) => {
    const [, socket = '', prefix = ''] = /^(.*?):(\/.*)$/.exec(`${host}${path}`) ?? [];
    if (socket === '') throw invalid(uri, 'write consulkv-unix:///path/to/the.sock:/prefix');
    return consulKvTarget(clientAt(`unix://${socket}`, env), uri, baseOf(uri, prefix), hostname);
  },
  etcd: (place, options) => etcdAt(place, options, addressRecords(`${trimmed(place.path)}/`)),
  skydns2(place, options) {
    const domain = place.path.replace(/^\/+|\/+$/g, '');
    if (domain === '') throw invalid(place.uri, 'its domain is missing: skydns2://host:port/cluster.local');
    return etcdAt(place, options, dnsRecords('/skydns', domain));
  },
  coredns(place, options) {
    const prefix = trimmed(place.path) || '/skydns';
    return etcdAt(place, options, dnsRecords(prefix, place.query.get('zone') ?? 'local'));
  },
} satisfies Record<string, Kind>;

function etcdAt({ uri, host }: Place, { env, hostname, ttl }: TargetOptions, records: EtcdRecords): Target {
  return etcdTarget({ etcd: etcdOptionsFromEnv(host, env), address: uri, records, hostname, ttl });
}

const trimmed = (path: string): string => path.replace(/\/+$/, '');

/** What registrator and its fork could write to besides, and why this cannot. */
const WITHOUT: Readonly<Record<string, string>> = {
  'etcd-legacy': "etcd's second API has ended; write etcd:// for its third",
  zookeeper: 'ZooKeeper is no registry of services here; register with Consul, Muster or etcd',
};

/**
 * The registry that a URI names: `consul://[host:port]`, `consul-tls://…`, `consul-unix://path`, `consulkv://…/prefix`,
 * `consulkv-unix://path:/prefix`, `etcd://[host:port,…]/prefix`, `skydns2://[host:port,…]/domain`,
 * `coredns://[host:port,…]/prefix?zone=domain`. Throws `usage` or `config.*`.
 */
export function targetOf(uri: string, options: TargetOptions): Target {
  const [, scheme = '', rest = ''] = /^([\w+-]+):(?:\/\/)?(.*)$/.exec(uri) ?? [];
  const kind = (KINDS as Record<string, Kind | undefined>)[scheme];
  if (kind === undefined) {
    const why = WITHOUT[scheme];
    if (why !== undefined) throw invalid(uri, why);
    const near = nearest(scheme, Object.keys(KINDS));
    throw invalid(
      uri,
      `expected one of ${Object.keys(KINDS).join(', ')}${near === undefined ? '' : `; did you mean ${near}://?`}`,
    );
  }
  const [, host = '', path = '', query = ''] = /^([^/?]*)([^?]*)\??(.*)$/.exec(rest) ?? [];
  return kind({ uri, host, path, query: new URLSearchParams(query) }, options);
}

function clientAt(host: string, env: TargetOptions['env']): Client {
  const options: ClientOptions = clientOptionsFromEnv(env);
  return new Client(host === '' ? options : { ...options, address: host });
}

/** "/services" gives "services/". Without one everything in the store would be taken for services. */
function baseOf(uri: string, path: string): string {
  const prefix = path.replace(/^\/+|\/+$/g, '');
  if (prefix === '') throw invalid(uri, 'a prefix for the keys is missing: consulkv://host:port/prefix');
  return `${prefix}/`;
}

function invalid(uri: string, why: string): MusterError {
  return new MusterError('usage', `${JSON.stringify(uri)} is no registry: ${why}`);
}
