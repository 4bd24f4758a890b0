/** Instances that have just come, or come back, get their share little by little. */
import type { Balancer, Target } from './balancer.ts';
import { keyOfTarget, partOf } from './hash.ts';

/** Part of its share that an instance gets from the first moment: without requests nothing in it gets warm. */
const LEAST = 0.1;

/**
 * Part of its share that an instance gets: rises evenly from `LEAST` to 1 over `window` ms since it came into the route, or was taken
 * back after an ejection.
 */
export function warmth(
  {
    since = 0,
    state,
  }: { readonly since?: number | undefined; readonly state: { readonly returnedAt: number } },
  window: number,
  now: number,
): number {
  const age = now - Math.max(since, state.returnedAt);
  return age >= window ? 1 : Math.max(LEAST, age / window);
}

/**
 * Passes requests for a cold instance on to others, as often as it is cold. A strategy by key stays one: who was passed on is passed on
 * until the instance is warm enough for him, and then stays. Among instances that are all cold nobody is passed over for good.
 */
export class SlowStart implements Balancer {
  readonly byKey: boolean;
  readonly #inner: Balancer;
  readonly #window: number;
  readonly #random: () => number;
  readonly #now: () => number;

  /** `window` in ms; `now` in ms since the epoch. */
  constructor(inner: Balancer, window: number, random: () => number, now: () => number) {
    this.byKey = inner.byKey === true;
    this.#inner = inner;
    this.#window = window;
    this.#random = random;
    this.#now = now;
  }

  next(tried: readonly Target[], key?: number): Target | undefined {
    const first = this.#inner.next(tried, key);
    if (first === undefined) return undefined;
    const now = this.#now();
    let passed: readonly Target[] = tried;
    for (let target = first; !this.#takes(target, key, now); ) {
      passed = [...passed, target];
      const other = this.#inner.next(passed, key);
      // Only last resorts are left, or nobody: then a cold one is better.
      if (other === undefined || other.state.ejectedUntil !== 0) return first;
      target = other;
      if (this.#takes(target, key, now)) return target;
    }
    return first;
  }

  #takes(target: Target, key: number | undefined, now: number): boolean {
    const part = warmth(target, this.#window, now);
    if (part === 1) return true;
    return (key === undefined || !this.byKey ? this.#random() : partOf(key, keyOfTarget(target))) < part;
  }
}
