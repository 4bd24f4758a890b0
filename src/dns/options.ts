import type { HostPort } from '../lib/host-port.ts';
import { DEFAULT_FORWARD_OPTIONS, type ForwardOptions } from './forward/options.ts';
import type { RecursorStrategy } from './recursors.ts';

/** Consul's `dns_config`, durations in ms. */
export interface DnsOptions {
  /**
   * TTL of answers about nodes. 0: nobody keeps what may be wrong a moment later; raise it when resolvers ask
   * more often than answers change.
   */
  nodeTtl: number;
  /** TTL of answers about services: by name, by prefix ("web-*", the longest that fits) or for all ("*"). */
  serviceTtl: Readonly<Record<string, number>>;
  /** Leave out instances whose checks warn. Off: a warning is a hint to people, the instance still serves. */
  onlyPassing: boolean;
  /**
   * Answers to a question over UDP without EDNS. 3, at most 8: the rest would not be used, and some resolvers
   * take only the first.
   */
  udpAnswerLimit: number;
  /** Addresses in an answer however it is asked for, SRV excepted; 0 for no limit. */
  aRecordLimit: number;
  /**
   * Set TC where answers were left out, so that the asker comes again over TCP. Off, as in Consul: what was
   * left out is only more of the same.
   */
  enableTruncate: boolean;
  /** Add a node's metadata as TXT records. On, as in Consul. */
  enableAdditionalNodeMetaTxt: boolean;
  soa: Soa;
  /** Other name servers, for names outside the domain and for unknown addresses. None: those are refused. */
  recursors: readonly HostPort[];
  /** Until the next one is asked. 2 s, as in Consul: most stub resolvers wait for 5. */
  recursorTimeout: number;
  recursorStrategy: RecursorStrategy;
  /** How else names outside the domain are answered. */
  forward: Partial<Omit<ForwardOptions, 'servers' | 'strategy' | 'timeout'>>;
  /**
   * What SRV records lead to: the node (or the instance's own address), as in Consul, or a name for each instance. HAProxy
   * 2.6 takes up only one or two of several records that share a target.
   */
  srvTargets: 'node' | 'instance';
}

/** Of the zone, in seconds as on the wire. */
export interface Soa {
  refresh: number;
  retry: number;
  expire: number;
  /** How long "there is no such name" may be kept. 0: a service may be registered at any moment. */
  minTtl: number;
}

export const DEFAULT_DNS_OPTIONS: DnsOptions = {
  nodeTtl: 0,
  serviceTtl: {},
  onlyPassing: false,
  udpAnswerLimit: 3,
  aRecordLimit: 0,
  enableTruncate: false,
  enableAdditionalNodeMetaTxt: true,
  soa: { refresh: 3600, retry: 600, expire: 86_400, minTtl: 0 },
  recursors: [],
  recursorTimeout: 2_000,
  recursorStrategy: 'sequential',
  forward: {},
  srvTargets: 'node',
};

/** All about forwarding; undefined when there is nothing to forward to or to answer from. */
export function forwardOptionsOf(options: DnsOptions): ForwardOptions | undefined {
  const { forward, recursors: servers, recursorTimeout: timeout, recursorStrategy: strategy } = options;
  const all: ForwardOptions = { ...DEFAULT_FORWARD_OPTIONS, ...forward, servers, timeout, strategy };
  const { routes, addresses, hosts, records, search } = all;
  return [servers, routes, addresses, hosts, records, search].some((some) => some.length > 0)
    ? all
    : undefined;
}

/** More than this over plain UDP is never useful: the bound of Consul for `udpAnswerLimit`. */
export const MAX_UDP_ANSWERS = 8;

/** TTL in ms of answers about `service`: its own, that of the longest prefix, or 0. Names in any case. */
export function serviceTtlOf({ serviceTtl }: Pick<DnsOptions, 'serviceTtl'>, service: string): number {
  const name = service.toLowerCase();
  let best = -1;
  let ttl = 0;
  for (const [pattern, value] of Object.entries(serviceTtl)) {
    const wanted = pattern.toLowerCase();
    if (wanted === name) return value;
    const prefix = wanted.slice(0, -1);
    if (wanted.endsWith('*') && prefix.length > best && name.startsWith(prefix)) {
      best = prefix.length;
      ttl = value;
    }
  }
  return ttl;
}
