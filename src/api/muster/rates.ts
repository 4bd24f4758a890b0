import type { Counters } from './traffic.ts';
import type { TrafficView } from './wire.ts';

/**
 * How much of a latency bucket is left after a second. Percentiles need more answers than one second of a
 * quiet service has; with 0.8 half of what is shown is from the last three seconds.
 */
const FADE = 0.8;

/** Below this many (faded) answers no percentile is shown: about half a minute after the last answer. */
const LEAST_ANSWERS = 0.001;

/** What is kept of a scope between two samples. */
export interface RateState {
  readonly requests: number;
  readonly errors: number;
  /** Counts at the last sample. */
  readonly latency: readonly number[];
  /** Faded counts that percentiles are read from. */
  readonly faded: readonly number[];
  /** Nothing was under way and no percentile was left to fade: most instances of most systems. */
  readonly isQuiet: boolean;
}

/** Of a scope that nobody has asked for. */
export const NOTHING_YET: RateState = { requests: 0, errors: 0, latency: [], faded: [], isQuiet: true };

export type Rates = Omit<TrafficView, 'key'>;

export const NO_RATES: Rates = { requests: 0, errors: 0, inFlight: 0, p50: null, p99: null };

/**
 * Rates of a scope between two samples that are `seconds` apart. Without `before` (the first sample) nothing
 * is known yet and all rates are 0: what was counted before the dashboard looked is not a rate.
 */
export function ratesBetween(
  before: RateState | undefined,
  now: Counters,
  seconds: number,
  bounds: readonly number[],
): { rates: Rates; state: RateState } {
  if (before?.isQuiet && now.inFlight === 0 && now.requests === before.requests)
    return { rates: NO_RATES, state: before };
  const latency = Array.from({ length: bounds.length }, (_, bucket) => now.latency[bucket] ?? 0);
  const fade = FADE ** seconds;
  const faded = latency.map((count, bucket) =>
    before === undefined
      ? 0
      : (before.faded[bucket] ?? 0) * fade + growth(before.latency[bucket] ?? 0, count),
  );
  const perSecond = (was: number | undefined, is: number): number =>
    was === undefined || seconds <= 0 ? 0 : round(growth(was, is) / seconds, 1);
  const p50 = quantile(faded, bounds, 0.5);
  const isQuiet = p50 === null && now.inFlight === 0;
  return {
    rates: {
      requests: perSecond(before?.requests, now.requests),
      errors: perSecond(before?.errors, now.errors),
      inFlight: now.inFlight,
      p50,
      p99: quantile(faded, bounds, 0.99),
    },
    state: { requests: now.requests, errors: now.errors, latency, faded, isQuiet },
  };
}

/** Growth of a counter; one that fell was begun anew. */
function growth(was: number, is: number): number {
  return is >= was ? is - was : is;
}

/**
 * The value below which `share` (0 to 1) of the counted answers lie, in the unit of `bounds`; linear within a
 * bucket. Null when there is nothing to tell from.
 */
export function quantile(counts: readonly number[], bounds: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total < LEAST_ANSWERS) return null;
  const wanted = total * share;
  let below = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const count = counts[bucket] ?? 0;
    if (count > 0 && below + count >= wanted) {
      const low = bucket === 0 ? 0 : (bounds[bucket - 1] ?? 0);
      const high = bounds[bucket] ?? low;
      return round(low + ((high - low) * (wanted - below)) / count, 2);
    }
    below += count;
  }
  return bounds[counts.length - 1] ?? null;
}

/** Counters of several scopes together, e.g. of all targets of a service. */
export function sumCounters(all: readonly Counters[]): Counters {
  const latency: number[] = [];
  let requests = 0;
  let errors = 0;
  let inFlight = 0;
  for (const counters of all) {
    requests += counters.requests;
    errors += counters.errors;
    inFlight += counters.inFlight;
    for (let bucket = 0; bucket < counters.latency.length; bucket++)
      latency[bucket] = (latency[bucket] ?? 0) + (counters.latency[bucket] ?? 0);
  }
  return { requests, errors, inFlight, latency };
}

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
