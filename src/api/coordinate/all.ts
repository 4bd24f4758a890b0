import { fold } from '../../catalog/tables.ts';
import type { ApiContext } from '../context.ts';
import { ORIGIN, type Place } from '../near.ts';

/** Consul's JSON of a place. */
export function coordinateWire(node: string, segment: string, { vec, error, adjustment, height }: Place) {
  return {
    Node: node,
    Segment: segment,
    Coord: { Vec: vec, Error: error, Adjustment: adjustment, Height: height },
  };
}

export type CoordinateWire = ReturnType<typeof coordinateWire>;

/** The coordinates of all nodes in the order of their names; our own node always has one. */
export function allCoordinates({ catalog, node: self }: ApiContext): CoordinateWire[] {
  const known = catalog.all('coordinates').map((row) => coordinateWire(row.node, row.segment, row));
  const own = fold(self.name);
  if (known.some(({ Node, Segment }) => Segment === '' && fold(Node) === own)) return known;
  return [...known, coordinateWire(self.name, '', ORIGIN)].sort((a, b) =>
    fold(a.Node) < fold(b.Node) ? -1 : 1,
  );
}
