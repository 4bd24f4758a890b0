import type { Catalog } from '../catalog/catalog.ts';
import type { WaitFor } from '../catalog/watches.ts';
import type { Clock } from '../lib/clock.ts';
import { cacheMeta } from './cached.ts';
import type { ApiContext } from './context.ts';
import type { ApiRequest } from './endpoint.ts';
import { HttpError } from './http-error.ts';
import { type ReadOptions, readOptions } from './read-options.ts';
import { json, type ReadMeta, type Reply } from './reply.ts';

/** Wait in ms where the client names none, and the longest it may name: Consul's. */
const DEFAULT_WAIT = 300_000;
const MAX_WAIT = 600_000;

/** A wait is prolonged by up to this share of itself, so that clients that began together end apart. */
const JITTER = 1 / 16;

/** Blocked reads per process: each holds a socket and some kilobytes, and a write wakes many at once. */
export const MAX_BLOCKED = 50_000;

/** What a blocked read waits for, and the index of what it reads. */
export interface Watched extends WaitFor {
  /** Unless given, the highest index of the topics. */
  index?: (catalog: Catalog) => number;
}

/** How long a read blocks in ms. `random` is in [0, 1). */
export function blockingTime(wait: number, random: number): number {
  const capped = wait <= 0 ? DEFAULT_WAIT : Math.min(wait, MAX_WAIT);
  return capped + capped * JITTER * random;
}

function indexOf(catalog: Catalog, { topics, index }: Watched): number {
  if (index !== undefined) return Math.max(1, index(catalog));
  return Math.max(1, ...topics.map((name) => catalog.indexOf(name)));
}

/**
 * Resolves with the index of what is watched: once it is above `after`, once `wait` ms are over, or once `signal`
 * is aborted. Throws 429 when too many reads are blocked already.
 */
export async function waitForIndex(
  catalog: Catalog,
  watched: Watched,
  options: { after: number; wait: number; signal: AbortSignal; clock: Clock; random: () => number },
): Promise<number> {
  const { after, wait, signal, clock, random } = options;
  let index = indexOf(catalog, watched);
  if (after <= 0 || index > after || signal.aborted) return index;
  if (catalog.watches.size >= MAX_BLOCKED)
    throw new HttpError(429, `Too many blocking queries (${MAX_BLOCKED}): use fewer, or ask without ?index`, {
      'Retry-After': '5',
    });
  const end = new AbortController();
  const stop = () => end.abort();
  signal.addEventListener('abort', stop, { once: true });
  const cancel = clock.after(blockingTime(wait, random()), stop);
  try {
    while (index <= after && (await catalog.watches.wait(watched, end.signal))) {
      index = indexOf(catalog, watched);
    }
    return indexOf(catalog, watched);
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
  }
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
}

/** A read that blocks on `?index`: waits, reads, and answers with the index in the headers. */
export async function blockingRead(
  context: ApiContext,
  request: ApiRequest,
  { read, kind = 'catalog', options = readOptions(context, request), ...watched }: BlockingRead,
): Promise<Reply> {
  const meta = await blockingMeta(context, request, watched, options, kind);
  return json(read(), { meta });
}

/** The waiting half of `blockingRead`, for handlers that word their answer themselves. */
export async function blockingMeta(
  context: ApiContext,
  request: ApiRequest,
  watched: Watched,
  { index: after, wait, consistency, cached }: ReadOptions,
  kind: ReadKind = 'catalog',
): Promise<ReadMeta> {
  const { catalog, clock, random } = context;
  const index = await waitForIndex(catalog, watched, { after, wait, signal: request.signal, clock, random });
  if (kind === 'plain') return { index };
  return kind === 'cacheable' && cached
    ? { index, consistency, cache: cacheMeta(context, request) }
    : { index, consistency };
}
