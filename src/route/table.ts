import type { Balancer } from '../balance/balancer.ts';

/** Where a request goes: one entry of the route table, immutable. */
export interface Route {
  /** Stable across table swaps: the key of the route's counters. */
  readonly id: string;
  /** The service behind the route, for error pages and logs. */
  readonly service: string;
  /** Index of this route's counters in the shared counter block, as given in its spec. */
  readonly slot: number;
  /** Bytes taken off the front of the request's path when it begins with them; empty: nothing. */
  readonly strip: Uint8Array;
  readonly balancer: Balancer;
}

/** An immutable snapshot of all routes, swapped whole. */
export interface RouteTable {
  /**
   * The route of a request, longest path first, a route with a host before one without. The host is given as
   * it stands in the request, with or without a port and in any case; the path without its query. Ranges are
   * [start, end) of `bytes`. Called once per request: must not allocate.
   */
  match(
    bytes: Uint8Array,
    hostStart: number,
    hostEnd: number,
    pathStart: number,
    pathEnd: number,
  ): Route | undefined;
}
