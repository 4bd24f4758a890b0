import type { HostPort } from '../../lib/host-port.ts';
import type { RecursorStrategy } from '../recursors.ts';
import type { TtlRules } from './entry.ts';

/** Who answers for a domain: these servers, those for everything, or nobody but what is known here. */
export type Route = readonly HostPort[] | 'default' | 'local';

/** What a domain and everything below it stands for: an address, or "there is no such name". */
export interface FixedAddress {
  /** "" for every name. */
  readonly domain: string;
  /** Addresses, of either family; none for "no such name". */
  readonly addresses: readonly Uint8Array[];
}

/** How names outside the catalog are answered. Durations in ms. */
export interface ForwardOptions extends TtlRules {
  /** For everything that no route is for. None: such names are refused. */
  readonly servers: readonly HostPort[];
  readonly strategy: RecursorStrategy;
  /** For each server. 2 s, as in Consul: most stub resolvers wait for 5. */
  readonly timeout: number;
  /** Ask in mixed case (0x20), so that who answers must have seen the question. */
  readonly mixCase: boolean;
  readonly routes: readonly { readonly domain: string; readonly route: Route }[];
  readonly addresses: readonly FixedAddress[];
  /** Hosts files, or folders of them. */
  readonly hosts: readonly string[];
  /** Names with their addresses, besides those in files. */
  readonly records: readonly { readonly names: readonly string[]; readonly address: Uint8Array }[];
  /** Seconds that names of hosts files and fixed ones may be kept. 0: they may change at any moment. */
  readonly localTtl: number;
  /** Names without a dot in hosts files are known below `domain`, too. */
  readonly expandHosts: boolean;
  readonly domain: string;
  /** Domains in which a name without a dot is looked for, in this order. */
  readonly search: readonly string[];
  /** Names without a dot are not asked for elsewhere. */
  readonly domainNeeded: boolean;
  /** Private addresses are not asked for elsewhere (PTR). */
  readonly bogusPrivate: boolean;
  /** Answers from elsewhere that hold private addresses are refused, but for these domains. */
  readonly rebindProtection: boolean;
  readonly rebindOk: readonly string[];
  /** Answers that are kept, in number; 0 for none. dnsmasq has 150; one takes about a kilobyte. */
  readonly cacheSize: number;
  /** How long an answer that has run out still serves when no new one can be had (RFC 8767). A day; 0 for not at all. */
  readonly staleFor: number;
  /** After so long without a new answer the old one is given: before stub resolvers ask again. */
  readonly staleAfter: number;
  /** Questions of one client that wait for others at a time; more are refused. Not for this machine's own. */
  readonly perClient: number;
}

export const DEFAULT_FORWARD_OPTIONS: ForwardOptions = {
  servers: [],
  strategy: 'sequential',
  timeout: 2_000,
  mixCase: true,
  routes: [],
  addresses: [],
  hosts: [],
  records: [],
  localTtl: 0,
  expandHosts: false,
  domain: '',
  search: [],
  domainNeeded: false,
  bogusPrivate: false,
  rebindProtection: false,
  rebindOk: [],
  cacheSize: 10_000,
  minTtl: 0,
  maxTtl: 86_400,
  negativeTtl: 0,
  maxNegativeTtl: 3_600,
  staleFor: 86_400_000,
  staleAfter: 1_800,
  perClient: 64,
};

/** Bytes of kept answers, whatever their number. */
export const MAX_CACHE_BYTES = 64 * 1024 * 1024;
/** Seconds that an answer may be kept which has run out (RFC 8767, 4). */
export const STALE_TTL = 30;
/** How long it is not asked for again, in ms (RFC 8767, 5: the failure recheck timer). */
export const STALE_RETRY = 30_000;
/** How long "could not find out" is kept, in ms (RFC 9520, 3.2): who asks again at once would only add to the trouble. */
export const FAILURE_FOR = 1_000;
