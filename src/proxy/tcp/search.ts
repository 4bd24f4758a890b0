import type { Target } from '../../balance/balancer.ts';
import { isFull, isTried } from '../../balance/candidates.ts';
import { keyOfAddress } from '../../balance/hash.ts';
import type { Takers, TcpDestinations } from './frontend.ts';
import type { Peers } from './links.ts';

const NONE: readonly Target[] = [];

/** The search of one connection for an instance: who is next, and who did not take it. */
export class Search {
  /** Those among whom it began: where there is no room it waits under their id. */
  readonly first: Takers;
  readonly #destinations: TcpDestinations;
  readonly #serverName: string;
  readonly #peers: Peers;
  #takers: Takers;
  #tried = NONE;

  /** `takers`: those whom the destinations have for this name and these peers now. */
  constructor(takers: Takers, destinations: TcpDestinations, serverName: string, peers: Peers) {
    this.first = this.#takers = takers;
    this.#destinations = destinations;
    this.#serverName = serverName;
    this.#peers = peers;
  }

  get isAgain(): boolean {
    return this.#tried.length > 0;
  }

  next(): Target | undefined {
    const { balancer } = this.#takers;
    return balancer.next(
      this.#tried,
      balancer.byKey === true ? keyOfAddress(this.#peers.source.address) : undefined,
    );
  }

  /**
   * The same among those who are there by now: whoever came may have room, and whoever left gets nothing more. Who did not take the
   * connection is not asked again. While nobody is there, somebody may still come.
   */
  nextOfNow(): Target | undefined {
    const takers = this.#destinations.find(this.#serverName, this.#peers);
    if (takers === undefined) return undefined;
    this.#takers = takers;
    return this.next();
  }

  /** Whether it does not take every instance that others who wait with it may: it was there, it asked for a name, or it comes from elsewhere. */
  get isPicky(): boolean {
    return this.isAgain || this.#destinations.byName || this.#takers.isForSome === true;
  }

  failed(target: Target): void {
    this.#tried = [...this.#tried, target];
  }

  /** Whether somebody would take it if he had room. */
  get isAnyFull(): boolean {
    return this.#takers.targets.some((one) => one.weight > 0 && isFull(one) && !isTried(one, this.#tried));
  }
}
