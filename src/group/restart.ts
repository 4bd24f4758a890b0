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

/** `attempt` crashes came before this one; it was up for `uptime` ms. `random` is in [0, 1). */
export function nextRestart(policy: RestartPolicy, attempt: number, uptime: number, random: number): Restart {
  const current = uptime >= policy.resetAfter ? 0 : attempt;
  return { attempt: current + 1, delay: backoffDelay(policy, current, random) };
}
