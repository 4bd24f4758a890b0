export interface AllowancePolicy {
  /** So many at once. */
  readonly burst: number;
  /** So many more with each second. */
  readonly perSecond: number;
}

/** How often something may happen (a token bucket). Times in ms, of any clock. */
export class Allowance {
  readonly #policy: AllowancePolicy;
  #left: number;
  #at: number;

  constructor(policy: AllowancePolicy, now: number) {
    this.#policy = policy;
    this.#left = policy.burst;
    this.#at = now;
  }

  /** As at the start. */
  refill(): void {
    this.#left = this.#policy.burst;
  }

  /** It happens: whether that was still allowed. */
  take(now: number): boolean {
    const { burst, perSecond } = this.#policy;
    this.#left = Math.min(burst, this.#left + ((now - this.#at) / 1_000) * perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
