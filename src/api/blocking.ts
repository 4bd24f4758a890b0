import type { Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../lib/clock.ts';
import { extend } from '../lib/extend.ts';
import { cacheMeta } from './cached.ts';
import type { ApiContext, ApiSettings } from './context.ts';
import type { ApiRequest } from './endpoint.ts';
import { HttpError } from './http-error.ts';
import { type Consistency, type ReadOptions, readOptions } from './read-options.ts';
import { encodedJson, json, type ReadMeta, type Reply } from './reply.ts';
import { sharedBody } from './shared.ts';
import { indexOf, type Watched } from './watched.ts';

/** A wait is prolonged by up to this share of itself, so that clients that began together end apart. */
const JITTER = 1 / 16;

/** Blocked reads per process: each holds a socket and some kilobytes, and a write wakes many at once. */
export const MAX_BLOCKED = 50_000;

/** How long a read blocks in ms. `random` is in [0, 1). */
export function blockingTime(
  wait: number,
  random: number,
  { defaultWait, maxWait }: Pick<ApiSettings, 'defaultWait' | 'maxWait'>,
): number {
  const capped = Math.min(wait <= 0 ? defaultWait : wait, maxWait);
  return capped + capped * JITTER * random;
}

/**
 * Resolves with the index of what is watched: once it is above `after`, once `wait` ms are over, or once the client or
 * the server goes away. Throws 429 when too many reads are blocked already.
 *
 * Hot path: one change wakes thousands of these in one tick. One promise each, no signals.
 */
function waitForIndex(
  catalog: Catalog,
  watched: Watched,
  options: {
    after: number;
    wait: number;
    whenGone: ApiRequest['whenGone'];
    clock: Clock;
    random: () => number;
    settings: ApiSettings;
  },
): number | Promise<number> {
  const { after, wait, whenGone, clock, random, settings } = options;
  const index = indexOf(catalog, watched);
  if (after <= 0 || index > after) return index;
  if (catalog.watches.size >= MAX_BLOCKED)
    throw new HttpError(429, `Too many blocking queries (${MAX_BLOCKED}): use fewer, or ask without ?index`, {
      'Retry-After': '5',
    });
  return new Promise((resolve) => {
    let done = false;
    const finish = () => {
      if (done) return;
      done = true;
      unwatch();
      cancel();
      stay();
      resolve(indexOf(catalog, watched));
    };
    const unwatch = catalog.watches.watch(watched, () => {
      if (indexOf(catalog, watched) > after) finish();
    });
    const cancel = clock.after(blockingTime(wait, random(), settings), finish);
    let stay = () => {};
    stay = whenGone(finish);
  });
}

/**
 * What a read tells besides the index: "plain" (keys, sessions) nothing, "catalog" its consistency, "cacheable" also
 * what became of `?cached`.
 */
export type ReadKind = 'plain' | 'catalog' | 'cacheable';

export interface BlockingRead extends Watched {
  /** Asked once the wait is over; its answer becomes the JSON body. */
  read(): unknown;
  /** "catalog" unless told otherwise. */
  kind?: ReadKind;
  /** The parsed options, where the handler has them already. */
  options?: ReadOptions;
  /**
   * What is read depends on nothing but the topics, the path, the parameters and the authorizer: then requests that
   * ask the same share one encoding, see `shared.ts`. Never true for what is ordered by distance.
   */
  shared?: boolean;
}

/** A read that blocks on `?index`: waits, reads, and answers with the index in the headers. */
export async function blockingRead(
  context: ApiContext,
  request: ApiRequest,
  {
    read,
    kind = 'catalog',
    options = readOptions(context, request),
    shared = false,
    ...watched
  }: BlockingRead,
): Promise<Reply> {
  const meta = await blockingMeta(context, request, watched, options, kind);
  return shared ? sharedReply(context, request, { watched, options, meta, read }) : json(read(), { meta });
}

/** Answers with the shared encoding of what `read` reads now; `meta` is told with the index of now. */
export function sharedReply(
  context: ApiContext,
  request: ApiRequest,
  parts: { watched: Watched; options: ReadOptions; meta: ReadMeta; read: () => unknown },
): Reply {
  const { watched, options, read } = parts;
  // Since the wait ended there may have been another commit: index and body are taken in one tick.
  const index = indexOf(context.catalog, watched);
  const meta = extend(parts.meta, { index });
  const encoded = sharedBody(context, request, { watched, index, read });
  // What a replica answers says how old it is, or is checked first.
  if (meta.cache !== undefined || context.store.remote !== undefined) return encodedJson(encoded, { meta });
  const { authorizer } = request;
  return encodedJson(encoded, {
    meta,
    lasting: { watched, index, authorizer, isBlocking: options.index > 0 },
  });
}

/** The waiting half of `blockingRead`, for handlers that word their answer themselves. */
export async function blockingMeta(
  context: ApiContext,
  request: ApiRequest,
  watched: Watched,
  { index: after, wait, consistency, cached }: ReadOptions,
  kind: ReadKind = 'catalog',
): Promise<ReadMeta> {
  const { catalog, clock, random, settings } = context;
  await refresh(context, consistency, after);
  const index = await waitForIndex(catalog, watched, {
    after,
    wait,
    whenGone: (task) => request.whenGone(task),
    clock,
    random,
    settings,
  });
  const meta = { index, ...contactOf(context) };
  if (kind === 'plain') return meta;
  return kind === 'cacheable' && cached
    ? extend(meta, { consistency, cache: cacheMeta(context, request) })
    : extend(meta, { consistency });
}

/** What a read tells that never blocks, besides an index; once this resolves the catalog is as new as was asked for. */
export async function freshMeta(
  context: ApiContext,
  consistency: Consistency,
): Promise<Omit<ReadMeta, 'index'>> {
  await refresh(context, consistency, 0);
  return { consistency, ...contactOf(context) };
}

function contactOf({ store }: ApiContext): Pick<ReadMeta, 'contact'> {
  const contact = store.remote?.contact();
  return contact === undefined ? {} : { contact };
}

/**
 * Of a replica: makes sure that it shows what was acknowledged before the request. With `consistent` that is a must; else
 * what is there is answered when nobody can say, and the headers tell. One that waits for a change needs no more than the change.
 */
async function refresh({ store }: ApiContext, consistency: Consistency, after: number): Promise<void> {
  const { remote } = store;
  if (remote === undefined || consistency === 'stale') return;
  if (consistency === 'consistent') return remote.refresh();
  if (after === 0 && remote.contact().known) await remote.refresh().catch(() => {});
}
