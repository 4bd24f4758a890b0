import type { Balancer, Target } from '../balance/balancer.ts';
import type { Choice } from './choice.ts';
import type { Handling } from './handling.ts';

/** Where a request goes: one entry of the route table, immutable. */
export interface Route {
  /** Stable across table swaps: the key of the route's counters. */
  readonly id: string;
  /** The service behind the route, for error pages and logs. */
  readonly service: string;
  /** Index of this route's counters in the shared counter block, as given in its spec. */
  readonly slot: number;
  /** What is done with its requests. Of routes with `arms`, that of the first. */
  readonly handling: Handling;
  readonly balancer: Balancer;
  /** Those that the balancer chooses from. */
  readonly targets: readonly Target[];
  /**
   * For instances of one route that ask for different handlings: the part of the route that the target, which the balancer chose,
   * stands in. Undefined when all ask for the same.
   */
  readonly arms?: ReadonlyMap<Target, Route> | undefined;
  /** Who gets which target, where that depends on more than the balancer; undefined where it does not. */
  readonly choice?: Choice | undefined;
  /** Something is to be looked at before its balancer is asked: arms, guards, a choice, a host that depends on the target. */
  readonly special: boolean;
  /** The same route in the table behind, once there is one: for requests that wait meanwhile. All that changes in a route. */
  replacedBy?: Route | undefined;
}

/** An immutable snapshot of all routes, swapped whole. */
export interface RouteTable {
  /**
   * The route of a request, longest path first, a route with a host before one without. The host is given as
   * it stands in the request, with or without a port and in any case; the path without its query. Ranges are
   * [start, end) of `bytes`; `secure`: it came over TLS, so that 443 is the port that need not be said. Called once per request:
   * must not allocate.
   */
  match(
    bytes: Uint8Array,
    hostStart: number,
    hostEnd: number,
    pathStart: number,
    pathEnd: number,
    secure?: boolean,
  ): Route | undefined;
  /** The same, past some routes that were found before and did not want the request. */
  next(
    bytes: Uint8Array,
    hostStart: number,
    hostEnd: number,
    pathStart: number,
    pathEnd: number,
    secure: boolean,
    passed: readonly Route[],
  ): Route | undefined;
  /** Whether all routes of the host, those for any host among them, are for all paths. */
  ignoresPath(bytes: Uint8Array, hostStart: number, hostEnd: number, secure: boolean): boolean;
  /** The TCP route of a listening address (":1234", "10.0.0.1:1234") or of a server name in lower case. */
  tcp(name: string): Route | undefined;
  /** The route for all paths of a host in lower case, patterns aside. May be slow: asked for connections. */
  ofHost(name: string): Route | undefined;
  /** Where copies of requests for a service go; undefined when none of its instances is well. */
  mirror(service: string): Route | undefined;
}
