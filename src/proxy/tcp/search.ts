import type { Target } from '../../balance/balancer.ts';
import { isFull, isTried } from '../../balance/candidates.ts';
import { keyOfAddress } from '../../balance/hash.ts';
import type { Takers } from './frontend.ts';

const NONE: readonly Target[] = [];

/** The search of one connection for an instance: who is next, and who did not take it. */
export class Search {
  /** Those among whom it began: where there is no room it waits under their id. */
  readonly first: Takers;
  readonly #address: string;
  #takers: Takers;
  #tried = NONE;

  /** `address`: the client's. */
  constructor(takers: Takers, address: string) {
    this.first = this.#takers = takers;
    this.#address = address;
  }

  get isAgain(): boolean {
    return this.#tried.length > 0;
  }

  next(): Target | undefined {
    const { balancer } = this.#takers;
    return balancer.next(this.#tried, balancer.byKey === true ? keyOfAddress(this.#address) : undefined);
  }

  /** Among these from now on. Who did not take the connection is not asked again. */
  follow(takers: Takers): void {
    this.#takers = takers;
  }

  failed(target: Target): void {
    this.#tried = [...this.#tried, target];
  }

  /** Whether somebody would take it if he had room. */
  get isAnyFull(): boolean {
    return this.#takers.targets.some((one) => one.weight > 0 && isFull(one) && !isTried(one, this.#tried));
  }
}
