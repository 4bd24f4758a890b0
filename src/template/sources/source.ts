/** Where the values of dependencies come from. */
import type { Dependency } from '../dependencies/dependency.ts';
import type { Value } from '../language/index.ts';

export interface Follower {
  /** The value as it is now; told at once when it is known, and each time that it changed. */
  value(value: Value): void;
  /** There is none: a key that has to be there is not. The value that is known stays. */
  absent?(): void;
  /** An attempt to learn it failed; the next one is in `delay` ms. The value that is known stays. */
  trouble(error: unknown, delay: number): void;
}

export interface Source {
  /** Follows a dependency until the answer is called. */
  follow(dependency: Dependency, follower: Follower): () => void;
}
