/**
 * How many requests may be sent again: a share of all requests, so that repeats never become a second load on instances
 * that fail because of the first. Arithmetic; one per worker.
 */
export interface RetryPolicy {
  /** Repeats for each request: 0.2 is one for five. 0 allows only the reserve. */
  readonly share: number;
  /** So many a second are allowed in any case, or a service with little traffic could never repeat anything. */
  readonly reserve: number;
  /** What was not used is kept for so many repeats at most. */
  readonly most: number;
}

export const RETRIES: RetryPolicy = { share: 0.2, reserve: 10, most: 100 };

export class RetryBudget {
  readonly #policy: RetryPolicy;
  #saved = 0;
  #reserve: number;
  #second = 0;

  constructor(policy: RetryPolicy = RETRIES) {
    this.#policy = policy;
    this.#reserve = policy.reserve;
  }

  /** A request came. Hot path. */
  deposit(): void {
    const { share, most } = this.#policy;
    if (this.#saved < most) this.#saved += share;
  }

  /** Whether one may be sent again at `now` (ms, rising). */
  withdraw(now: number): boolean {
    if (this.#saved >= 1) {
      this.#saved--;
      return true;
    }
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#reserve = this.#policy.reserve;
    }
    if (this.#reserve <= 0) return false;
    this.#reserve--;
    return true;
  }
}
