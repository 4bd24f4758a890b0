/** Whether a new edition does worse than the one before: what the balancer counted of both. */

export interface Tally {
  readonly requests: number;
  /** Answered with 5xx, or not at all. */
  readonly errors: number;
}

export interface RollbackPolicy {
  /** So much larger may the share of errors be than that of the edition before. */
  readonly worse: number;
  /** Fewer requests than this say nothing. */
  readonly requests: number;
  /** An update that has not brought a single new instance to pass within this time (ms) has failed. */
  readonly deadline: number;
}

/** One sentence why the update is to be taken back, or "". */
export function verdict(current: Tally, previous: Tally, policy: RollbackPolicy): string {
  if (current.requests < policy.requests) return '';
  const share = (tally: Tally) => (tally.requests === 0 ? 0 : tally.errors / tally.requests);
  const now = share(current);
  const before = share(previous);
  if (now <= before + policy.worse) return '';
  return `${percent(now)} of the requests to new instances fail, ${percent(before)} of those to the others`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
