import * as near from '../catalog/near.ts';
import type { ApiContext } from './context.ts';

export { DIMENSIONS, distance, ORIGIN, type Place } from '../catalog/near.ts';

/** The place of a node, or undefined when none is known. Our own node always has one. */
export function placeOf({ catalog, node: own }: ApiContext, node: string): near.Place | undefined {
  return near.placeOf(catalog, own.name, node);
}

/**
 * Orders `items` by their distance from the node that `?near` names (`_agent`: this one). Without the parameter, or
 * when nobody knows where that node is, the order stays.
 */
export function sortNear<T>(
  { catalog, node }: ApiContext,
  name: string,
  items: T[],
  nodeOf: (item: T) => string,
): T[] {
  if (name === '') return items;
  const source = name === '_agent' || name === '_ip' ? node.name : name;
  return near.sortByDistance(catalog, { own: node.name, source }, items, nodeOf);
}
