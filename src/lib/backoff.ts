/** Exponential backoff with full jitter, as a pure function of the attempt. */
export interface BackoffPolicy {
  /** First delay in ms. */
  base: number;
  /** Longest delay in ms. */
  max: number;
}

/**
 * Delay in ms before retry number `attempt` (0 is the first). `random` is in [0, 1). At least half of the
 * exponential value is kept, so that a crash loop never becomes a busy loop.
 */
export function backoffDelay(policy: BackoffPolicy, attempt: number, random: number): number {
  const full = Math.min(policy.max, policy.base * 2 ** Math.min(attempt, 30));
  return Math.round(full / 2 + (full / 2) * random);
}
