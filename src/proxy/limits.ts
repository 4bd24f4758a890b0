/**
 * How much a peer may ask of the data path, and how long it may keep us waiting. Times in milliseconds, sizes in
 * bytes. Everything a peer can make grow is bounded here.
 */
export interface ProxyLimits {
  /** Client connections at a time, per worker. 10,000 leaves room for as many upstream ones below the usual file limit of 20,000 and up. */
  maxConnections: number;
  /** One request, status or header line. 8,000 bytes must pass (RFC 9112 §3 recommends it for request lines); cookies of 4 kB fit twice. */
  maxLine: number;
  /** Header lines of a message. Browsers send about 20, proxies in front add 10; at most 1,000 (the scanner's record is sized once). */
  maxFields: number;
  /** A whole head, start line included. Four lines of full length; at most 60,000 (it has to fit in front of the read buffer). */
  maxHead: number;
  /** From accept, or from the first byte of a later request, to the end of the head. Generous for a phone on a bad line, short against slow-loris. */
  headTimeout: number;
  /** An idle client connection between two requests. Longer than the 60 s of common balancers in front, so that they close first. */
  keepAliveTimeout: number;
  /** Silence inside a request body. */
  bodyTimeout: number;
  /** TCP connect to an instance. On one network it takes a millisecond; SYN retransmissions come after 1 s and 3 s. */
  connectTimeout: number;
  /** From the end of the request to the first byte of the response. */
  responseTimeout: number;
  /** Silence inside a response. */
  responseSilence: number;
  /** A peer that takes nothing of what we have for it, while we hold the other side back. */
  stallTimeout: number;
  /** Silence on an upgraded connection, both directions. WebSocket libraries ping every 20 to 60 s; people leave tabs open. */
  tunnelTimeout: number;
  /** How long we go on reading (and dropping) after a refusal, so that the refusal is not overtaken by a reset (RFC 9112 §9.6). */
  lingerTimeout: number;
  /** An idle upstream connection. Below the 5 s after which Node's own HTTP server closes: a request must not meet a closing connection. */
  upstreamIdleTimeout: number;
  /**
   * How long draining goes on answering, with `Connection: close`, what comes on idle connections and new ones, before
   * they are closed: a client cannot know of the end when its request is already on the way.
   */
  lameDuck: number;
  /** Idle connections kept per instance and worker. */
  maxIdlePerTarget: number;
  /** How often one request may be seen by backends, the first time included. */
  maxSightings: number;
  /**
   * Requests in flight on one instance at most, for each worker, unless a tag says otherwise (`maxconn=`); 0: as many as there
   * are. What is beyond waits.
   */
  maxInFlight: number;
  /** Requests of one route that wait for an instance to have room; the next one is answered 503 at once. */
  maxWaiting: number;
  /** How long one of them waits; then it is answered 503 with Retry-After. Less than people wait before they press again. */
  waitTimeout: number;
  /** Repeats that are allowed for each request an instance has seen: 0.2 is one for five. A reserve of 10 a second comes on top. */
  retryShare: number;
  /** Interim (1xx) responses before a final one; an endless stream of them is no answer. */
  maxInterim: number;
}

export const DEFAULT_LIMITS: ProxyLimits = {
  maxConnections: 10_000,
  maxLine: 8_192,
  maxFields: 100,
  maxHead: 32_768,
  headTimeout: 10_000,
  keepAliveTimeout: 75_000,
  bodyTimeout: 30_000,
  connectTimeout: 3_000,
  responseTimeout: 60_000,
  responseSilence: 60_000,
  stallTimeout: 60_000,
  tunnelTimeout: 3_600_000,
  lingerTimeout: 2_000,
  upstreamIdleTimeout: 4_000,
  lameDuck: 300,
  maxIdlePerTarget: 256,
  maxSightings: 4,
  maxInFlight: 0,
  maxWaiting: 1_000,
  waitTimeout: 5_000,
  retryShare: 0.2,
  maxInterim: 50,
};

/** The largest head the memory layout has room for, and the most lines the scanner's record holds. */
export const HARD_LIMITS = { maxHead: 60_000, maxFields: 1_000 } as const;

/**
 * Of heads that were put together here from any that was taken in: its Host may stand in them once more (`X-Forwarded-Host`), the rest of what is added is
 * short. At most 16 lines are added to a request (`compose.ts`, `forwarding.ts`, `extra-fields.ts`), fewer to an answer.
 */
export const COMPOSED_LIMITS = {
  maxHead: 3 * HARD_LIMITS.maxHead,
  maxLine: 3 * HARD_LIMITS.maxHead,
  maxFields: HARD_LIMITS.maxFields + 16,
} as const;

/** Fills in the defaults and keeps within `HARD_LIMITS`. */
export function completeLimits(given: Partial<ProxyLimits> = {}): ProxyLimits {
  return withLimits(DEFAULT_LIMITS, given);
}

/** `given` on top of `base`, within `HARD_LIMITS`. */
export function withLimits(base: ProxyLimits, given: Partial<ProxyLimits> = {}): ProxyLimits {
  const limits = { ...base, ...given };
  limits.maxHead = Math.min(limits.maxHead, HARD_LIMITS.maxHead);
  limits.maxFields = Math.min(limits.maxFields, HARD_LIMITS.maxFields);
  limits.maxLine = Math.min(limits.maxLine, limits.maxHead);
  return limits;
}
