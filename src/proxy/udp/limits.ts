/** What one UDP listener bears. Times in milliseconds; Infinity: for ever; counts: 0 for any number. */
export interface UdpLimits {
  /** Clients at a time: each takes a socket of its own towards its instance. */
  maxSessions: number;
  /** Silence of the client that ends its session. DNS and the like are over at once; games and VPNs ping every 25 s or sooner. */
  clientIdleTimeout: number;
  /** Silence of the instance that ends the session. */
  upstreamIdleTimeout: number;
  /** After so many datagrams of the client the next one is balanced anew. With 1 nothing comes back: each datagram is sent and forgotten. */
  maxRequests: number;
  /** After so many answers the session ends. */
  maxResponses: number;
}

export const DEFAULT_UDP_LIMITS: UdpLimits = {
  maxSessions: 10_000,
  clientIdleTimeout: 60_000,
  upstreamIdleTimeout: Number.POSITIVE_INFINITY,
  maxRequests: 0,
  maxResponses: 0,
};
