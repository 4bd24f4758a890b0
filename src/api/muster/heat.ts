import type { Counters } from './traffic.ts';
import type { HeatColumn, HeatMap } from './wire-answers.ts';

/** Columns that are kept: five minutes of steps. */
const MAX_COLUMNS = 60;

/** Scopes of which columns are kept; 60 columns of a busy one are about 10 kB. The others have no heat map. */
const MAX_SCOPES = 1000;

interface Scope {
  /** Counts by row at the last step. */
  before: readonly number[];
  columns: HeatColumn[];
}

/**
 * How many answers took how long, step by step, for each scope: where percentiles draw one line, this shows a second
 * hump. Buckets of the source are put together to rows of one octave each: an eye does not tell more apart.
 */
export class Heat {
  readonly #bounds: readonly number[];
  readonly #perRow: number;
  readonly #scopes = new Map<string, Scope>();

  /** `bounds`: upper edges of the source's buckets in ms, rising. */
  constructor(bounds: readonly number[], bucketsPerRow = 4) {
    this.#perRow = bucketsPerRow;
    this.#bounds = bounds.filter(
      (_, index) => index % bucketsPerRow === bucketsPerRow - 1 || index === bounds.length - 1,
    );
  }

  /** One step: adds a column to each scope, and forgets those that are gone. */
  step(at: number, scopes: ReadonlyMap<string, Counters>): void {
    for (const key of this.#scopes.keys()) if (!scopes.has(key)) this.#scopes.delete(key);
    for (const [key, { latency }] of scopes) {
      const now = this.#rows(latency);
      const scope = this.#scopes.get(key);
      if (scope === undefined) {
        if (this.#scopes.size < MAX_SCOPES) this.#scopes.set(key, { before: now, columns: [] });
        continue;
      }
      // A counter that fell was begun anew.
      const counts = now.map((count, row) => {
        const was = scope.before[row] ?? 0;
        return count >= was ? count - was : count;
      });
      scope.before = now;
      scope.columns.push({ at, counts: counts.some((count) => count > 0) ? counts : [] });
      if (scope.columns.length > MAX_COLUMNS) scope.columns.shift();
    }
  }

  /** Without columns for a scope that has no place in the balancer. */
  map(key: string, step: number): HeatMap {
    return { step, bounds: this.#bounds, columns: this.#scopes.get(key)?.columns ?? [] };
  }

  #rows(latency: ArrayLike<number>): number[] {
    return this.#bounds.map((_, row) => {
      let sum = 0;
      for (let bucket = row * this.#perRow; bucket < (row + 1) * this.#perRow; bucket++)
        sum += latency[bucket] ?? 0;
      return sum;
    });
  }
}
