import { hostname } from 'node:os';

/** What `muster registrator` and `[registrator]` can be told, registrator's own names where it has one. */
export interface RegistratorOptions {
  /** `-ip`: address of services on published ports. "" for that of the host. */
  readonly ip: string;
  /** `-internal`: the container's own addresses and ports instead of published ones. */
  readonly internal: boolean;
  /** `-network`: whose address is a container's own, the first one that it is on. Empty: the one it was started with. */
  readonly networks: readonly string[];
  /** `-explicit`: only containers that name their service. */
  readonly explicit: boolean;
  /** `-tags`: added to every service; may be a template over the container. */
  readonly tags: string;
  /** `-useIpFromLabel`: the label that holds the address. */
  readonly useIpFromLabel: string;
  /** `-ttl`: how long a registration outlives its registrator, in ms, where the target can; 0 for ever. */
  readonly ttl: number;
  /** `-ttl-refresh`: how often that is renewed, in ms. */
  readonly ttlRefresh: number;
  /** `-resync`: how often everything is compared though nothing was heard, in ms; 0: only when there is doubt. */
  readonly resync: number;
  /** `-deregister`: `on-success` keeps services of containers that failed. */
  readonly deregister: 'always' | 'on-success';
  /** `-cleanup`: also remove what an earlier run left behind. */
  readonly cleanup: boolean;
  /** First part of IDs; says which registrations are of this host. */
  readonly hostname: string;
  /** `-health`: a container's own HEALTHCHECK becomes the check of its services. */
  readonly health: boolean;
}

export const DEFAULT_OPTIONS: RegistratorOptions = {
  ip: '',
  internal: false,
  networks: [],
  explicit: false,
  tags: '',
  useIpFromLabel: '',
  ttl: 0,
  ttlRefresh: 0,
  // A missed event is a wrong catalog until then. A comparison costs two calls and writes nothing when nothing changed.
  resync: 30_000,
  deregister: 'always',
  cleanup: true,
  hostname: hostname(),
  health: false,
};

/** What is wrong with options together, in a sentence. */
export function faultOfOptions({ ttl, ttlRefresh, hostname: host }: RegistratorOptions): string | undefined {
  if (ttl > 0 !== ttlRefresh > 0) return '-ttl and -ttl-refresh go together: give both or none';
  if (ttl > 0 && ttl <= ttlRefresh) return '-ttl must be greater than -ttl-refresh';
  if (host === '' || host.includes(':')) return '-hostname must be a name without ":"';
  return undefined;
}
