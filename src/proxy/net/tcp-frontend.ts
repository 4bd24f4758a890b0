import type { Pools } from '../../route/pools.ts';
import type { ListenAddress, TcpListenerSpec } from '../listener-spec.ts';
import type { Takers, TcpDestinations, TcpFrontend } from '../tcp/frontend.ts';
import { DEFAULT_TCP_LIMITS } from '../tcp/limits.ts';
import type { ListenerHome } from './listener-kind.ts';
import { RouteDestinations } from './route-destinations.ts';

/** What the connections of a listener have in common. `address`: where it listens. */
export function tcpFrontendOf(
  { engine, pools }: ListenerHome,
  { limits, access, acceptProxy = false, sendProxy = 0, slot, pool, byRoute, tls }: TcpListenerSpec,
  address: ListenAddress,
): TcpFrontend {
  return {
    draining: false,
    limits: { ...DEFAULT_TCP_LIMITS, ...limits, lameDuck: 0 },
    access,
    // Where TLS ends here it was read in front of the handshake.
    acceptProxy: tls === undefined && acceptProxy,
    sendProxy,
    slot,
    destinations:
      byRoute === undefined
        ? new PoolDestinations(pools, pool)
        : new RouteDestinations(engine, byRoute, address),
  };
}

/** The targets of a pool, as they are when a connection comes. */
class PoolDestinations implements TcpDestinations {
  readonly #pools: Pools;
  readonly #pool: string;

  constructor(pools: Pools, pool: string) {
    this.#pools = pools;
    this.#pool = pool;
  }

  get byName(): boolean {
    return this.#pools.get(this.#pool)?.byName ?? false;
  }

  find(name: string): Takers | undefined {
    return this.#pools.get(this.#pool)?.find(name);
  }
}
