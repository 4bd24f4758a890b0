/** What an instance can be measured by. A further signal is one line here. */

/** What is known of one instance at a moment; undefined: not known. */
export interface Measured {
  /** Processor time a second of wall time, in cores; over all processes of the instance. */
  readonly cpu: number | undefined;
  readonly requestsPerSecond: number | undefined;
  /** Requests at a time. */
  readonly inFlight: number | undefined;
  /** Connections at a time. */
  readonly connections: number | undefined;
  /** How long a request waited on average until an instance had room, ms. */
  readonly queueWait: number | undefined;
  /** Of the metric that this signal names. */
  readonly metric: number | undefined;
}

export interface Signal {
  /** What its target is given in, for the reference. */
  readonly unit: string;
  readonly read: (measured: Measured) => number | undefined;
  /**
   * It tells that there are too few instances and by how much it hurts, not how many would do: below its target it says
   * nothing at all.
   */
  readonly onlyGrows?: true;
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
  connections: {
    unit: 'connections at a time at one instance, through a TCP or UDP service of the balancer',
    read: ({ connections }) => connections,
  },
  queue_wait: {
    unit: 'milliseconds that a request may wait on average until an instance has room; only makes a group larger',
    read: ({ queueWait }) => queueWait,
    onlyGrows: true,
  },
  metric: {
    unit: 'what one instance is meant to carry of a number that `url`, `query`, `key` or `meta` names',
    read: ({ metric }) => metric,
  },
} as const satisfies Record<string, Signal>;

export type SignalName = keyof typeof SIGNALS;

/** What all instances of a group together carry of a signal, in its unit. */
export type Carried = Readonly<Partial<Record<SignalName, number>>>;

/** Where the number of a `metric` comes from. */
export type MetricSource =
  /** A page of metrics as Prometheus reads it; with `$PORT` and the like one for each instance, else one for the group. */
  | { readonly kind: 'page'; readonly url: string; readonly metric: string; readonly rate: boolean }
  /** What a Prometheus server answers to a query; for the group. */
  | { readonly kind: 'query'; readonly server: string; readonly query: string }
  /** A number under a key of the registry's key/value store; for the group. */
  | { readonly kind: 'key'; readonly key: string }
  /** A number in the metadata of each instance's service. */
  | { readonly kind: 'meta'; readonly meta: string };

export interface SignalSpec {
  readonly kind: SignalName;
  /** What one instance is meant to carry, in the signal's unit. */
  readonly target: number;
  /** Of `metric` alone. */
  readonly source?: MetricSource | undefined;
}

export function onlyGrows(kind: SignalName): boolean {
  const signal: Signal = SIGNALS[kind];
  return signal.onlyGrows === true;
}
