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
  /** So many answers in a row that are errors of the instance (502, 503, 504) eject. */
  readonly errors: number;
  /** How long an instance that answers with errors is out. */
  readonly errorBackoff: BackoffPolicy;
  /** For errors at most this share of a route's instances is ejected: when all answer so, it is not the instances. */
  readonly maxShare: number;
}

export const EJECTION: EjectionPolicy = {
  // A process that restarts is back within a second; one that is gone leaves the catalog. Connects are cheap.
  backoff: { base: 500, max: 15_000 },
  // A cut connection can be the fault of one request; five in a row without an answer between them are not.
  cuts: 5,
  errors: 5,
  // Nothing but requests can tell whether it is well again, so those are risked seldom.
  errorBackoff: { base: 5_000, max: 60_000 },
  maxShare: 0.5,
};

export function freshState(): TargetState {
  return {
    inFlight: 0,
    failures: 0,
    errors: 0,
    ejections: 0,
    ejectedAt: 0,
    ejectedUntil: 0,
    ejectedForErrors: false,
    returnedAt: 0,
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
  eject(state, now, random, policy.backoff);
}

/** The connection broke before the response was there: ejects after `policy.cuts` in a row. */
export function connectionCut(
  state: TargetState,
  now: number,
  random: number,
  policy: EjectionPolicy = EJECTION,
): void {
  state.failures++;
  if (state.failures >= policy.cuts) eject(state, now, random, policy.backoff);
}

/**
 * It answered with an error of its own: ejects after `policy.errors` in a row, unless too many of `peers` (all instances of
 * the route) are out already.
 */
export function answeredWithError(
  state: TargetState,
  now: number,
  random: number,
  peers: readonly { readonly state: TargetState }[],
  policy: EjectionPolicy = EJECTION,
): void {
  state.errors++;
  if (state.errors < policy.errors || state.ejectedUntil !== 0) return;
  const out = peers.reduce((count, peer) => count + (peer.state.ejectedUntil === 0 ? 0 : 1), 0);
  if (out + 1 > peers.length * policy.maxShare) return;
  eject(state, now, random, policy.errorBackoff);
  state.ejectedForErrors = true;
}

/** The time of an ejection for errors is over: requests may try. One more error ejects again, for longer. */
export function triedAgain(state: TargetState, { errors }: EjectionPolicy = EJECTION): void {
  state.errors = errors - 1;
  state.ejectedAt = 0;
  state.ejectedUntil = 0;
  state.ejectedForErrors = false;
}

/** A request was answered or a probe got through: the instance is as good as new. */
export function succeeded(state: TargetState): void {
  state.failures = 0;
  state.errors = 0;
  state.ejectedForErrors = false;
  state.ejections = 0;
  state.ejectedAt = 0;
  state.ejectedUntil = 0;
}

function eject(state: TargetState, now: number, random: number, backoff: BackoffPolicy): void {
  // Requests that were under way when the instance died fail together: one ejection, not one for each of them.
  if (state.ejectedUntil > now) return;
  if (state.ejectedAt === 0) state.ejectedAt = now;
  // Never 0, which means "not ejected", whatever the policy and the clock.
  state.ejectedUntil = Math.max(1, now + backoffDelay(backoff, state.ejections, random));
  state.ejections++;
}
