import type { Catalog } from '../catalog/catalog.ts';
import type { WaitFor } from '../catalog/watches.ts';

/** What a read depends on: while its index stays the same, so does the answer. */
export interface Watched extends WaitFor {
  /** Unless given, the highest index of the topics. */
  index?: (catalog: Catalog) => number;
}

/** Hot path: asked for every request that is answered from what was encoded before. At least 1. */
export function indexOf(catalog: Catalog, { topics, index }: Watched): number {
  if (index !== undefined) return Math.max(1, index(catalog));
  let highest = 1;
  for (let i = 0; i < topics.length; i++) {
    const own = catalog.indexOf(topics[i] as string);
    if (own > highest) highest = own;
  }
  return highest;
}
