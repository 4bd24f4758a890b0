import type { StringMap } from '../catalog/rows.ts';
import type { Query } from './query.ts';

/** The pairs of `?node-meta=key:value`; all of them must hold. A key without a value asks for an empty value. */
export function nodeMetaOf(query: Query): readonly (readonly [string, string])[] {
  return query.all('node-meta').map((pair) => {
    const at = pair.indexOf(':');
    return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
  });
}

export function hasMeta(
  meta: StringMap | null | undefined,
  wanted: readonly (readonly [string, string])[],
): boolean {
  return wanted.every(([key, value]) => meta != null && Object.hasOwn(meta, key) && meta[key] === value);
}
