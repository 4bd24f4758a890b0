import type { Catalog } from '../../catalog/catalog.ts';
import { topic } from '../../catalog/topics.ts';
import { type Instance, instancesOf } from '../../catalog/views.ts';
import { extend } from '../../lib/extend.ts';
import { AnswerCache } from '../answer-cache.ts';
import { indexOf } from '../watched.ts';
import { entryWire } from '../wire/entry.ts';

/** An instance, and its JSON. */
export interface Joined extends Instance {
  readonly entry: ReturnType<typeof entryWire>;
}

/** What is kept at most: some sixty services of a hundred instances. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Roughly, of the objects; their texts are those of the tables. */
const BYTES_OF_INSTANCE = 600;
const BYTES_OF_CHECK = 300;

/** The instances of a service, or those that take its traffic in a mesh. */
export function joined(catalog: Catalog, service: string, by: 'name' | 'mesh'): Joined[] {
  return instancesOf(catalog, service, by).map((one) => extend(one, { entry: entryWire(one) }));
}

const caches = new WeakMap<Catalog, AnswerCache<Joined[]>>();

/**
 * The former, put together once after each change, in however many ways they are asked for; not to be changed. In a large registry their
 * rows lie far apart: to look them up one by one takes longer than to write them out.
 */
export function joinedByName(catalog: Catalog, service: string): Joined[] {
  let cache = caches.get(catalog);
  if (cache === undefined) {
    cache = new AnswerCache(catalog, MAX_BYTES);
    caches.set(catalog, cache);
  }
  const name = topic.service(service);
  const known = cache.get(name);
  if (known !== undefined) return known;
  const found = joined(catalog, service, 'name');
  const watched = { topics: [name] };
  const bytes = found.reduce(
    (sum, { checks }) => sum + BYTES_OF_INSTANCE + checks.length * BYTES_OF_CHECK,
    0,
  );
  cache.set(name, found, { watched, index: indexOf(catalog, watched), bytes });
  return found;
}
