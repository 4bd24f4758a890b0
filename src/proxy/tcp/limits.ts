import { DEFAULT_LIMITS } from '../limits.ts';

/** How long a relayed connection may keep us waiting, in milliseconds; Infinity: for ever. */
export interface TcpLimits {
  /** Clients at a time; Infinity: as many as the worker takes. */
  maxConnections: number;
  /** What has to come before an instance can be chosen: a PROXY header, the hello of a TLS client. As long as for a request's head. */
  headTimeout: number;
  /** Until a connection to an instance stands; then the next one is tried. On one network it takes a millisecond; SYN retransmissions come after 1 s and 3 s. */
  connectTimeout: number;
  /** How long a connection waits for an instance to have room when all have as many as they may; 0: it is closed. */
  waitTimeout: number;
  /** A client that neither sends nor takes anything. Databases' pools are silent for minutes; what is silent for longer pings. */
  clientIdleTimeout: number;
  /** An instance that neither sends nor takes anything. */
  upstreamIdleTimeout: number;
  /** Silence once one side has said that nothing more comes from it. Few wait longer for an answer, and a peer that is gone is not noticed otherwise. */
  halfClosedTimeout: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  maxConnections: Number.POSITIVE_INFINITY,
  headTimeout: 10_000,
  connectTimeout: 3_000,
  waitTimeout: DEFAULT_LIMITS.waitTimeout,
  clientIdleTimeout: 3_600_000,
  upstreamIdleTimeout: 3_600_000,
  halfClosedTimeout: 60_000,
};
