import type { Coordinate } from '../catalog/rows.ts';
import { serviceKey } from '../catalog/tables.ts';
import type { ApiContext } from './context.ts';

/** What a node's place consists of. */
export type Place = Pick<Coordinate, 'vec' | 'error' | 'adjustment' | 'height'>;

/** Serf's coordinates have this many dimensions. */
export const DIMENSIONS = 8;

/** A single node has nobody to measure against: it is the origin. The numbers are those Serf begins with. */
export const ORIGIN: Place = {
  vec: new Array<number>(DIMENSIONS).fill(0),
  error: 1.5,
  adjustment: 0,
  height: 1e-5,
};

/** The place of a node, or undefined when none is known. Our own node always has one. */
export function placeOf(context: ApiContext, node: string): Place | undefined {
  const known = context.catalog.get('coordinates', serviceKey(node, ''));
  if (known !== undefined) return known;
  return node.toLowerCase() === context.node.name.toLowerCase() ? ORIGIN : undefined;
}

/** Estimated round-trip time between two places in seconds; unknown ones are infinitely far away. */
export function distance(a: Place | undefined, b: Place | undefined): number {
  if (a === undefined || b === undefined || a.vec.length !== b.vec.length) return Number.POSITIVE_INFINITY;
  const squares = a.vec.map((value, i) => (value - (b.vec[i] as number)) ** 2);
  const raw = Math.sqrt(squares.reduce((sum, square) => sum + square, 0)) + a.height + b.height;
  const adjusted = raw + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

/**
 * Orders `items` by their distance from the node that `?near` names (`_agent`: this one). Without the parameter, or
 * when nobody knows where that node is, the order stays.
 */
export function sortNear<T>(context: ApiContext, near: string, items: T[], nodeOf: (item: T) => string): T[] {
  if (near === '') return items;
  const source = near === '_agent' || near === '_ip' ? context.node.name : near;
  const from = placeOf(context, source);
  if (from === undefined) return items;
  const distances = new Map<string, number>();
  for (const item of items) {
    const node = nodeOf(item);
    if (distances.has(node)) continue;
    const own = node.toLowerCase() === source.toLowerCase();
    distances.set(node, own ? -1 : distance(from, placeOf(context, node)));
  }
  return items.sort((a, b) =>
    compare(distances.get(nodeOf(a)) as number, distances.get(nodeOf(b)) as number),
  );
}

/** Infinity minus itself is no number: equal ones first. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
