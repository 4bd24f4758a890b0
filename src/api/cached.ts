import type { ApiContext } from './context.ts';
import type { ApiRequest } from './endpoint.ts';
import type { ReadMeta } from './reply.ts';

/** Answers remembered per process; the oldest are forgotten. */
const MAX_REMEMBERED = 10_000;

/** An answer that nobody asked for again is forgotten after this many ms (Consul's cache does the same). */
const REMEMBERED_FOR = 3 * 24 * 3_600_000;

/** By context: when each cached answer was asked for first, ms since the epoch. */
const firstAsked = new WeakMap<ApiContext['catalog'], Map<string, number>>();

/**
 * What `?cached` is told. Every answer here comes from memory and is never older than the last commit, so only
 * the outward signs are left: the first such request is a miss, later ones are hits with their age.
 */
export function cacheMeta(
  { catalog, clock }: ApiContext,
  request: ApiRequest,
): NonNullable<ReadMeta['cache']> {
  let known = firstAsked.get(catalog);
  if (known === undefined) {
    known = new Map();
    firstAsked.set(catalog, known);
  }
  const key = cacheKey(request);
  const now = clock.now();
  const since = known.get(key);
  if (since !== undefined && now - since < REMEMBERED_FOR)
    return { hit: true, age: Math.floor((now - since) / 1000) };
  known.delete(key);
  known.set(key, now);
  if (known.size > MAX_REMEMBERED) known.delete(known.keys().next().value as string);
  return { hit: false, age: 0 };
}

/** What makes an answer another one: everything but the parameters of blocking and of the format. */
function cacheKey({ path, query }: ApiRequest): string {
  const names = ['dc', 'tag', 'node-meta', 'near', 'passing', 'filter'];
  return JSON.stringify([path, ...names.map((name) => query.all(name))]);
}
