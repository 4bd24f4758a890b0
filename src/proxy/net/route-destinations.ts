import type { Balancer, Target } from '../../balance/balancer.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Route } from '../../route/table.ts';
import type { Engine } from '../http1/engine.ts';
import type { ListenAddress } from '../listener-spec.ts';
import type { Takers, TcpDestinations } from '../tcp/frontend.ts';
import type { Peers } from '../tcp/links.ts';

/**
 * Routes of the table by the listener's own address (`address`), or by the name that a TLS client asks for: the TCP route of that name
 * (`tcp-name`), or else the one of requests for all paths of that host (`name`), whose instances speak TLS with the client then.
 */
export class RouteDestinations implements TcpDestinations {
  readonly byName: boolean;
  readonly #engine: Engine;
  readonly #takesHosts: boolean;
  readonly #port: string;
  readonly #address: string;

  constructor(engine: Engine, by: 'address' | 'tcp-name' | 'name', { host, port }: ListenAddress) {
    this.#engine = engine;
    this.byName = by !== 'address';
    this.#takesHosts = by === 'name';
    this.#port = `:${port}`;
    this.#address = formatHostPort(host, port);
  }

  /** Whether a TCP route has the name, whoever may use it: those whom it refuses are nobody else's either. */
  has(name: string): boolean {
    return name !== '' && this.#engine.routes.tcp(name) !== undefined;
  }

  find(name: string, peers: Pick<Peers, 'source'>): Takers | undefined {
    const { routes } = this.#engine;
    if (!this.byName) return takersOf(routes.tcp(this.#address) ?? routes.tcp(this.#port), peers);
    if (name === '') return undefined;
    const route = routes.tcp(name);
    if (route !== undefined || !this.#takesHosts) return takersOf(route, peers);
    const host = routes.ofHost(name);
    const takers = host === undefined || asksForMore(host) ? undefined : takersOf(host, peers);
    return takers === undefined ? undefined : { ...takers, balancer: new BareBalancer(takers.balancer) };
  }
}

function takersOf(route: Route | undefined, peers: Pick<Peers, 'source'>): Takers | undefined {
  if (route === undefined) return undefined;
  const { id, targets, balancer, arms } = route;
  const { access, rates } = route.handling;
  if (arms !== undefined)
    return { id, targets, rates, isForSome: true, balancer: new ArmedBalancer(route, peers) };
  const isAdmitted = access === undefined || access.admits(peers.source.address);
  return isAdmitted ? { id, targets, rates, balancer } : undefined;
}

/** Whether a route does with requests what cannot be done with connections, and may be there to keep some of them out. */
function asksForMore({ handling, arms }: Route): boolean {
  return [handling, ...[...(arms?.values() ?? [])].map((arm) => arm.handling)].some(
    ({ redirect, auth }) => redirect !== undefined || auth !== undefined,
  );
}

/** The client's TLS goes through to the instance: none is made around it. */
class BareBalancer implements Balancer {
  readonly byKey: boolean;
  readonly #balancer: Balancer;

  constructor(balancer: Balancer) {
    this.byKey = balancer.byKey === true;
    this.#balancer = balancer;
  }

  next(tried: readonly Target[], key?: number): Target | undefined {
    const target = this.#balancer.next(tried, key);
    return target?.tls === undefined ? target : { ...target, tls: undefined };
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
