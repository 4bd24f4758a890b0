/**
 * Passive ejection: what the traffic itself says about an instance. Pure functions of a state, the time and
 * the policy; the worker calls them and carries out the probes (`probes.ts`).
 *
 * An ejected instance gets no requests until a probe (a TCP connect) or a request of last resort succeeds, so no
 * user's request is risked to find out. Strategies offer ejected instances when nothing else is left.
 */
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { TargetState } from './balancer.ts';

export interface EjectionPolicy {
  /** Time until the first probe, and until later ones after failed probes. */
  readonly backoff: BackoffPolicy;
  /** So many cut connections in a row eject; a refused connect does at once. */
  readonly cuts: number;
}

export const EJECTION: EjectionPolicy = {
  // A process that restarts is back within a second; one that is gone leaves the catalog. Connects are cheap.
  backoff: { base: 500, max: 15_000 },
  // A cut connection can be the fault of one request; five in a row without an answer between them are not.
  cuts: 5,
};

export function freshState(): TargetState {
  return {
    inFlight: 0,
    failures: 0,
    ejections: 0,
    ejectedAt: 0,
    ejectedUntil: 0,
    bytes: 0,
    bandwidth: 0,
    latency: 0,
  };
}

export function isEjected(state: TargetState): boolean {
  return state.ejectedUntil !== 0;
}

/** Nobody listens there, or the connect timed out: ejects at once. `random` in [0, 1). */
export function connectFailed(
  state: TargetState,
  now: number,
  random: number,
  policy: EjectionPolicy = EJECTION,
): void {
  state.failures++;
  eject(state, now, random, policy);
}

/** The connection broke before the response was there: ejects after `policy.cuts` in a row. */
export function connectionCut(
  state: TargetState,
  now: number,
  random: number,
  policy: EjectionPolicy = EJECTION,
): void {
  state.failures++;
  if (state.failures >= policy.cuts) eject(state, now, random, policy);
}

/** A request was answered or a probe got through: the instance is as good as new. */
export function succeeded(state: TargetState): void {
  state.failures = 0;
  state.ejections = 0;
  state.ejectedAt = 0;
  state.ejectedUntil = 0;
}

function eject(state: TargetState, now: number, random: number, { backoff }: EjectionPolicy): void {
  // Requests that were under way when the instance died fail together: one ejection, not one for each of them.
  if (state.ejectedUntil > now) return;
  if (state.ejectedAt === 0) state.ejectedAt = now;
  // Never 0, which means "not ejected", whatever the policy and the clock.
  state.ejectedUntil = Math.max(1, now + backoffDelay(backoff, state.ejections, random));
  state.ejections++;
}
