import type { Coordinate } from './rows.ts';
import { fold, type Reader, serviceKey } from './tables.ts';

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

/** The place of a node, or undefined when none is known. Our own node, named `own`, always has one. */
export function placeOf(reader: Reader, own: string, node: string): Place | undefined {
  const known = reader.get('coordinates', serviceKey(node, ''));
  if (known !== undefined) return known;
  return fold(node) === fold(own) ? ORIGIN : undefined;
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
 * Orders `items` in place by their distance from the node `source`, which is itself the nearest. When nobody knows
 * where that node is, the order stays.
 */
export function sortByDistance<T>(
  reader: Reader,
  { own, source }: { own: string; source: string },
  items: T[],
  nodeOf: (item: T) => string,
): T[] {
  const from = placeOf(reader, own, source);
  if (from === undefined) return items;
  const distances = new Map<string, number>();
  for (const item of items) {
    const node = nodeOf(item);
    if (distances.has(node)) continue;
    distances.set(node, fold(node) === fold(source) ? -1 : distance(from, placeOf(reader, own, node)));
  }
  return items.sort((a, b) =>
    compare(distances.get(nodeOf(a)) as number, distances.get(nodeOf(b)) as number),
  );
}

/** Infinity minus itself is no number: equal ones first. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
