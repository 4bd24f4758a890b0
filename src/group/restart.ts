/** When an instance that ended by itself is started again: numbers only. */
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';

export interface RestartPolicy extends BackoffPolicy {
  /** An instance that was up for so long (ms) starts again at the first pause. */
  resetAfter: number;
}

export interface Restart {
  /** Which start this is after crashes in a row; 0 is the first. */
  attempt: number;
  /** Pause before it, in ms. */
  delay: number;
}

/**
 * `attempt` crashes came before this one; it was up for `uptime` ms. `random` is in [0, 1). `isAwaited`: clients wait in its
 * sockets, so that after a good run there is no pause.
 */
export function nextRestart(
  policy: RestartPolicy,
  attempt: number,
  uptime: number,
  random: number,
  isAwaited = false,
): Restart {
  const isAfterGoodRun = uptime >= policy.resetAfter;
  const current = isAfterGoodRun ? 0 : attempt;
  const delay = isAwaited && isAfterGoodRun ? 0 : backoffDelay(policy, current, random);
  return { attempt: current + 1, delay };
}
