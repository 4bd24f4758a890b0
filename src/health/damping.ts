import type { CheckStatus } from '../catalog/rows.ts';

/**
 * Rise and fall: how many results in a row it takes until a check changes its status. Pure functions of
 * counters, so that one bad probe of a busy service does not take it out of the rotation.
 */
export interface Thresholds {
  /** Good results in a row before the check passes; 0 and 1 mean at once. */
  readonly successBeforePassing: number;
  /** Bad results in a row before the check warns; 0 means: not before it is critical. */
  readonly failuresBeforeWarning: number;
  /** Bad results in a row before the check is critical. */
  readonly failuresBeforeCritical: number;
}

export interface Streak {
  readonly successes: number;
  readonly failures: number;
}

/** The counters of a new check stand at their thresholds: its first result counts at once (as in Consul). */
export function newStreak(thresholds: Thresholds): Streak {
  return { successes: thresholds.successBeforePassing, failures: thresholds.failuresBeforeCritical };
}

export interface Damped {
  readonly streak: Streak;
  /** Status to publish, or undefined when the result is not enough to change anything. */
  readonly status: CheckStatus | undefined;
}

/** What follows from one more result. A warning counts as a success, as in Consul. */
export function damp(streak: Streak, thresholds: Thresholds, result: CheckStatus): Damped {
  if (result !== 'critical') {
    const successes = streak.successes + 1;
    const enough = successes >= thresholds.successBeforePassing;
    return { streak: { successes, failures: 0 }, status: enough ? result : undefined };
  }
  const failures = streak.failures + 1;
  const warnAt = thresholds.failuresBeforeWarning || thresholds.failuresBeforeCritical;
  let status: CheckStatus | undefined;
  if (failures >= thresholds.failuresBeforeCritical) status = 'critical';
  else if (failures >= warnAt) status = 'warning';
  return { streak: { successes: 0, failures }, status };
}
