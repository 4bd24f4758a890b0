import type { Connection, ReadOptions } from './connection.ts';

/** Where a node is in the space of round trip times: Vivaldi's, in seconds. */
export interface Coordinate {
  Vec: number[];
  Error: number;
  Adjustment: number;
  Height: number;
}

export interface NodeCoordinate {
  Node: string;
  Segment: string;
  Coord: Coordinate;
}

/** The servers of a datacenter. */
export interface DatacenterCoordinates {
  Datacenter: string;
  AreaID: string;
  Coordinates: NodeCoordinate[];
}

/** Nodes by where they are on the network. */
export class CoordinateCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async nodes(options: ReadOptions = {}): Promise<NodeCoordinate[]> {
    return (await this.#connection.read<NodeCoordinate[]>('/v1/coordinate/nodes', options)).value;
  }

  async datacenters(options: ReadOptions = {}): Promise<DatacenterCoordinates[]> {
    const path = '/v1/coordinate/datacenters';
    return (await this.#connection.read<DatacenterCoordinates[]>(path, options)).value;
  }
}

/** Estimated round trip time between two places, in seconds. */
export function roundTrip(a: Coordinate, b: Coordinate): number {
  const squares = a.Vec.reduce((sum, x, at) => sum + (x - (b.Vec[at] ?? 0)) ** 2, 0);
  const distance = Math.sqrt(squares) + a.Height + b.Height;
  const adjusted = distance + a.Adjustment + b.Adjustment;
  return adjusted > 0 ? adjusted : distance;
}
