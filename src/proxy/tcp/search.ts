import type { Target } from '../../balance/balancer.ts';
import { isFull, isTried } from '../../balance/candidates.ts';
import { keyOfAddress } from '../../balance/hash.ts';
import type { Takers } from './frontend.ts';

const NONE: readonly Target[] = [];

/** The search of one connection for an instance: who is next, and who did not take it. */
export class Search {
  readonly takers: Takers;
  readonly #key: number | undefined;
  #tried = NONE;

  /** `address`: the client's. */
  constructor(takers: Takers, address: string) {
    this.takers = takers;
    this.#key = takers.balancer.byKey === true ? keyOfAddress(address) : undefined;
  }

  get isAgain(): boolean {
    return this.#tried.length > 0;
  }

  next(): Target | undefined {
    return this.takers.balancer.next(this.#tried, this.#key);
  }

  failed(target: Target): void {
    this.#tried = [...this.#tried, target];
  }

  /** Whether somebody would take it if he had room. */
  get isAnyFull(): boolean {
    return this.takers.targets.some((one) => one.weight > 0 && isFull(one) && !isTried(one, this.#tried));
  }
}
