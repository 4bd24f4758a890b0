/** What an instance can be measured by. A further signal is one line here. */

/** What is known of one instance at a moment; undefined: not known. */
export interface Measured {
  /** Processor time a second of wall time, in cores; over all processes of the instance. */
  readonly cpu: number | undefined;
  readonly requestsPerSecond: number | undefined;
  /** Requests at a time. */
  readonly inFlight: number | undefined;
}

export interface Signal {
  /** What its target is given in, for the reference. */
  readonly unit: string;
  readonly read: (measured: Measured) => number | undefined;
}

export const SIGNALS = {
  cpu: { unit: 'cores that one instance is meant to use', read: ({ cpu }) => cpu },
  requests_per_second: {
    unit: 'requests a second through the balancer for one instance',
    read: ({ requestsPerSecond }) => requestsPerSecond,
  },
  in_flight: {
    unit: 'requests at a time at one instance, as the balancer counts them',
    read: ({ inFlight }) => inFlight,
  },
} as const satisfies Record<string, Signal>;

export type SignalName = keyof typeof SIGNALS;
