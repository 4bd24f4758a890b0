/** What the data path asks of a strategy, and what it keeps about an instance. Types only. */

/**
 * What is known about one instance from the traffic itself. Keyed by the instance's id and kept when the route
 * table is swapped, so that a reload forgets neither load nor failures. Mutable, read and written without locks; load
 * and ejection are shared by all workers (`shared-state.ts`). Only `ejection.ts` writes the ejection fields; only the proxy writes `inFlight`.
 */
export interface TargetState {
  /** Requests sent and not yet answered, of all workers. Changed by `++` and `--` only. */
  inFlight: number;
  /** Failures in a row (connections refused or cut); 0 after a success. */
  failures: number;
  /** Answers in a row that say of themselves that the instance cannot (502, 503, 504). */
  errors: number;
  /** How often the instance was ejected without a success in between: the ejection time grows with it. */
  ejections: number;
  /** Since when (ms since the epoch) the instance is ejected; 0 when it is not. */
  ejectedAt: number;
  /** Until when (ms since the epoch) it gets no traffic but probes; 0 when it is not ejected. */
  ejectedUntil: number;
  /** It takes connections and answers with errors: that it takes connections brings it back no sooner. */
  ejectedForErrors: boolean;
  /** When it was taken back after an ejection (ms since the epoch); 0: never. It begins slowly then. */
  returnedAt: number;
  /** Bytes to and from it that `bandwidth` does not know of yet. */
  bytes: number;
  /** Bytes per second lately, both ways. */
  bandwidth: number;
  /** How long it took to answer (ms), the latest and the worst counting most; 0 when nothing is known. */
  latency: number;
}

/** How an instance is spoken to over TLS. Plain data; what is equal in content shares sessions. */
export interface TargetTls {
  /** Whether it has to show a valid certificate for its name. */
  readonly verify: boolean;
  /** The name it is asked for and has to be certified for; undefined: its host. */
  readonly serverName?: string;
  /** PEM: who may have issued its certificate; undefined: the authorities that Node comes with. */
  readonly ca?: string;
  /** PEM: our own certificate, for an instance that asks for one. */
  readonly cert?: string;
  readonly key?: string;
  /** Offered by ALPN, best first. */
  readonly alpn?: readonly string[];
  /** Node's names, "TLSv1.2"; undefined: Node's own limits. */
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's names, joined by colons; undefined: Node's list. */
  readonly ciphers?: string;
}

/** What else is special about speaking to an instance. Plain data. */
export interface TargetOptions {
  /** Default "http". */
  readonly protocol?: 'http' | 'http2' | 'tcp' | 'grpc';
  /** Tell it the client's address in a PROXY line. */
  readonly proxyProtocol?: boolean;
  /** As many requests or connections at a time at most; 0: as many as there are. */
  readonly maxConnections?: number;
}

/** One place where requests for a service can go. */
export interface Target {
  /** Instance id, unique within the balancer: the key of `state`. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Share of the traffic relative to the others; 0 means none. */
  readonly weight: number;
  /** It takes datagrams: there is no connect that says whether it is back. */
  readonly datagrams?: boolean;
  /** Of a lower number first; others stand by. Only `weight` minds it. Default: 0. */
  readonly priority?: number;
  /** Never more than so many in flight on it; 0 or nothing: as many as there are. */
  readonly maxConnections?: number | undefined;
  /** Since when (ms since the epoch) it is among the route's instances; 0 or nothing: from the start. */
  readonly since?: number | undefined;
  /** Of the arm that a part of the users try out. */
  readonly canary?: boolean | undefined;
  /** Which of its route's handlings it asks for; the first unless given. */
  readonly arm?: number | undefined;
  /** In another zone than the balancer. */
  readonly far?: boolean | undefined;
  /** Index of this instance's counters in the shared counter block. */
  readonly slot: number;
  /** Undefined: HTTP/1.1 in clear text. */
  readonly options?: TargetOptions | undefined;
  readonly state: TargetState;
  /** Spoken to over TLS; undefined: in clear text. */
  readonly tls?: TargetTls | undefined;
}

/** Whether an instance is spoken to in HTTP/2, without asking whether it would rather have HTTP/1.1. */
export function speaksHttp2({ options }: Pick<Target, 'options'>): boolean {
  return options?.protocol === 'grpc' || options?.protocol === 'http2';
}

/** A strategy over one immutable list of targets. */
export interface Balancer {
  /** Whether it minds the key: for others nobody needs to work it out. */
  readonly byKey?: boolean;
  /**
   * The next candidate that is not in `tried` (empty at the first attempt), or undefined when all have been tried.
   * Ejected targets come only when nothing else is left, so that a wrong ejection never causes a refusal. `key` says who
   * asks (`hash.ts`), for strategies that send the same one to the same place; without it they choose at random.
   */
  next(tried: readonly Target[], key?: number): Target | undefined;
}
