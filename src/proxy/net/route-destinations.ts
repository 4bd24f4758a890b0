import type { Balancer, Target } from '../../balance/balancer.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Route } from '../../route/table.ts';
import type { Engine } from '../http1/engine.ts';
import type { ListenAddress } from '../listener-spec.ts';
import type { Takers, TcpDestinations } from '../tcp/frontend.ts';
import type { Peers } from '../tcp/links.ts';

/** TCP routes of the route table: by the listener's own address, or by the name that a TLS client asks for. */
export class RouteDestinations implements TcpDestinations {
  readonly byName: boolean;
  readonly #engine: Engine;
  readonly #port: string;
  readonly #address: string;

  constructor(engine: Engine, by: 'address' | 'name', { host, port }: ListenAddress) {
    this.#engine = engine;
    this.byName = by === 'name';
    this.#port = `:${port}`;
    this.#address = formatHostPort(host, port);
  }

  find(name: string, peers: Pick<Peers, 'source'>): Takers | undefined {
    const route = this.#routeOf(name);
    if (route === undefined) return undefined;
    const { id, targets, balancer, arms } = route;
    const { access, rates } = route.handling;
    if (arms !== undefined)
      return { id, targets, rates, isForSome: true, balancer: new ArmedBalancer(route, peers) };
    const isAdmitted = access === undefined || access.admits(peers.source.address);
    return isAdmitted ? { id, targets, rates, balancer } : undefined;
  }

  #routeOf(name: string): Route | undefined {
    const { routes } = this.#engine;
    if (!this.byName) return routes.tcp(this.#address) ?? routes.tcp(this.#port);
    return name === '' ? undefined : routes.tcp(name);
  }
}

/** For a route whose instances have different rules: whoever may not use the one that was chosen gets none. */
class ArmedBalancer implements Balancer {
  readonly #route: Route;
  readonly #peers: Pick<Peers, 'source'>;

  constructor(route: Route, peers: Pick<Peers, 'source'>) {
    this.#route = route;
    this.#peers = peers;
  }

  next(tried: readonly Target[], key?: number): Target | undefined {
    const target = this.#route.balancer.next(tried, key);
    if (target === undefined) return undefined;
    const access = this.#route.arms?.get(target)?.handling.access;
    return access === undefined || access.admits(this.#peers.source.address) ? target : undefined;
  }
}
