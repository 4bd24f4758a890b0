import type { Target } from './balancer.ts';

/*
 * What all strategies share. Hot path: called for each request, so no closures and no allocation. `tried` has
 * a handful of entries (one per attempt): a scan is cheaper than any set.
 */

/** Whether `target` may be chosen while there is something better than a last resort. */
export function isCandidate(target: Target, tried: readonly Target[]): boolean {
  return target.state.ejectedUntil === 0 && !isFull(target) && !isTried(target, tried);
}

/** Whether it has as many in flight as it may. */
export function isFull({ maxConnections, state }: Target): boolean {
  return maxConnections !== undefined && maxConnections > 0 && state.inFlight >= maxConnections;
}

/** By id: after a table swap the same instance may be another object. */
export function isTried(target: Target, tried: readonly Target[]): boolean {
  for (let i = 0; i < tried.length; i++) if ((tried[i] as Target).id === target.id) return true;
  return false;
}

/**
 * When every target is ejected or tried: the one that comes back soonest, so that a wrong ejection (or one of all at once)
 * never turns a request away that somebody could have answered.
 */
export function lastResort(targets: readonly Target[], tried: readonly Target[]): Target | undefined {
  let best: Target | undefined;
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i] as Target;
    if (isFull(target) || isTried(target, tried)) continue;
    if (best === undefined || target.state.ejectedUntil < best.state.ejectedUntil) best = target;
  }
  return best;
}

/** Not on the hot path: the targets that get traffic at all. */
export function withWeight(targets: readonly Target[]): readonly Target[] {
  return targets.every(({ weight }) => weight > 0) ? targets : targets.filter(({ weight }) => weight > 0);
}
