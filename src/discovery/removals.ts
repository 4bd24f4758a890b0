/**
 * A guard against registries that forget: one that was restarted empty, or lost its peers, answers that everything is gone, and whoever
 * believes it sends nobody anywhere. Arithmetic; the clock is passed in.
 */
export interface RemovalPolicy {
  /** So many may always vanish within the window. */
  readonly floor: number;
  /** And this part of all that was known. */
  readonly share: number;
  /** Removals within so many ms are one event. */
  readonly window: number;
  /** How long (ms) what vanished beyond that is kept. By then a registry that was restarted has been told of its instances again. */
  readonly patience: number;
}

// Fifty are more than are taken away by hand, and whoever runs fewer sees what happens.
export const REMOVALS: RemovalPolicy = { floor: 50, share: 0.5, window: 2_000, patience: 15_000 };

export class Removals {
  readonly #policy: RemovalPolicy;
  #startedAt = Number.NEGATIVE_INFINITY;
  #known = 0;
  #gone = 0;

  constructor(policy: RemovalPolicy = REMOVALS) {
    this.#policy = policy;
  }

  /** Whether it is to be believed at `now` (ms, rising) that `gone` of the `known` instances are gone. */
  admits(gone: number, known: number, now: number): boolean {
    const { floor, share, window } = this.#policy;
    if (gone === 0) return true;
    if (now - this.#startedAt > window) {
      this.#startedAt = now;
      this.#known = known;
      this.#gone = 0;
    }
    this.#gone += gone;
    return this.#gone <= Math.max(floor, this.#known * share);
  }

  /** So many are new: as many of those gone are made up for. What comes and goes, however often, is not forgotten. */
  came(instances: number): void {
    this.#gone = Math.max(0, this.#gone - instances);
  }
}
