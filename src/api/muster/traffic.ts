import type { ProblemView, RouteView, State } from './wire.ts';
import type { Explanation } from './wire-answers.ts';

/**
 * What a scope counted since it began. Counters only ever rise; one that falls was begun anew (a worker was
 * restarted) and counts from zero.
 */
export interface Counters {
  readonly requests: number;
  /** Requests answered with 5xx or not at all. */
  readonly errors: number;
  /** Requests being served at this moment: a gauge. */
  readonly inFlight: number;
  /** Answers by the time they took; `latency[i]` counts those up to `TrafficSource.latencyBounds[i]`. */
  readonly latency: ArrayLike<number>;
}

export interface TrafficSample {
  readonly overall: Counters;
  readonly routes: readonly (Counters & { /** As `RouteView.key`. */ readonly key: string })[];
  /** `address` is host:port; one entry for each pair of service and address, once it had any traffic. */
  readonly targets: readonly (Counters & { readonly service: string; readonly address: string })[];
}

/** A target that the balancer holds back although its checks pass. */
export interface TargetOut {
  readonly service: string;
  /** host:port */
  readonly address: string;
  readonly state: Extract<State, 'ejected' | 'draining'>;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** "3 connects refused"; "asked for". */
  readonly reason: string;
  /** When it is tried again, milliseconds since the epoch; null when it is not. */
  readonly probeAt: number | null;
}

/**
 * What the balancer shows of itself. Called once a second on the main thread: it must answer from memory (the
 * workers' shared counters, the route table in force) and must not throw.
 */
export interface TrafficSource {
  /** Upper bounds of the latency buckets in milliseconds, rising; what is above the last counts in the last. */
  readonly latencyBounds: readonly number[];
  /** Routes in force. The same array again while nothing changed. */
  routes(): readonly RouteView[];
  sample(): TrafficSample;
  /** Requests that an instance is serving and connections that it holds at this very moment; undefined where they are not counted. `address` is host:port. */
  inFlight(service: string, address: string): number | undefined;
  /** Why an instance (`node/id`) gets nothing of the routes that it asks for; "" when it does, undefined when it asks for none. */
  obstacle(instance: string): string | undefined;
  outs(): readonly TargetOut[];
  /** Tags and routes that could not be used, with place and remedy. The same array again while nothing changed. */
  problems(): readonly ProblemView[];
  /** Where a request for `url` goes and why: told step by step, candidates last. */
  explain(url: URL): Explanation;
}

const NOTHING: Counters = { requests: 0, errors: 0, inFlight: 0, latency: [] };

/** For an agent without a balancer. */
export const noTraffic: TrafficSource = {
  latencyBounds: [],
  routes: () => [],
  sample: () => ({ overall: NOTHING, routes: [], targets: [] }),
  inFlight: () => undefined,
  obstacle: () => undefined,
  outs: () => [],
  problems: () => [],
  explain: (url) => ({
    url: url.href,
    route: null,
    service: '',
    steps: [
      {
        kind: 'end',
        title: 'No balancer',
        reason: 'This agent runs no balancer, so it has no routes.',
        taken: true,
        state: null,
      },
    ],
  }),
};
