import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Authorizer } from '../acl/authorizer.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { AnswerCache } from './answer-cache.ts';
import type { ApiContext } from './context.ts';
import type { ApiRequest } from './endpoint.ts';
import { SHORT_BODY } from './http/short-body.ts';
import { encodeJson } from './json/encode.ts';
import type { Watched } from './watched.ts';

const compress = promisify(gzip);

/** A JSON body that several requests are answered with. Its bytes never change. */
export interface Encoded {
  readonly body: Buffer;
  /** The same as a string of bytes ("latin1"), where it is short: see `SHORT_BODY`. */
  readonly short: string | undefined;
  /** Compressed when somebody asks for it first. */
  gzipped(): Promise<Buffer>;
}

/** Parameters that make no other body: how to wait, whom to ask, and those that were checked before. */
const NOT_OF_BODY: ReadonlySet<string> = new Set([
  'index',
  'wait',
  'stale',
  'consistent',
  'max_stale',
  'cached',
  'token',
  'pretty',
  'dc',
]);

const caches = new WeakMap<Catalog, AnswerCache<Encoded>>();

function cacheOf(catalog: Catalog): AnswerCache<Encoded> {
  let cache = caches.get(catalog);
  if (cache === undefined) {
    cache = new AnswerCache(catalog);
    caches.set(catalog, cache);
  }
  return cache;
}

/** Numbers for authorizers: what one may see is never answered to another. */
const numbers = new WeakMap<Authorizer, number>();
let last = 0;

function numberOf(authorizer: Authorizer): number {
  let number = numbers.get(authorizer);
  if (number === undefined) {
    number = ++last;
    numbers.set(authorizer, number);
  }
  return number;
}

/** Nobody may ever ask by the same filter again; those who wait are many, though, and ask the same. */
function isRare({ query }: ApiRequest): boolean {
  return query.has('filter') && query.get('index') === '';
}

function wantsPretty({ settings }: ApiContext, { query }: ApiRequest): boolean {
  return settings.prettyJson || query.has('pretty');
}

/**
 * The JSON body of a read at `index`, which must be the index of `watched` now: encoded once for all requests that ask
 * the same. Readers of one service that are woken together share it. `read` must depend on nothing but the topics
 * of `watched`, the path, the parameters and the authorizer of the request.
 */
export function sharedBody(
  context: ApiContext,
  request: ApiRequest,
  { watched, index, read }: { watched: Watched; index: number; read: () => unknown },
): Encoded {
  const pretty = wantsPretty(context, request);
  const cache = cacheOf(context.catalog);
  const who = numberOf(request.authorizer);
  // A path has no line feeds: they are refused before.
  const key = `${pretty ? 'p' : 'c'}${who}\n${request.path}\n${request.query.encode(NOT_OF_BODY)}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  let compressed: Promise<Buffer> | undefined;
  const body = Buffer.from(encodeJson(read(), pretty));
  const encoded: Encoded = {
    body,
    short: body.length <= SHORT_BODY ? body.toString('latin1') : undefined,
    gzipped() {
      compressed ??= compress(body).then((zipped) => {
        cache.grow(key, encoded, zipped.length);
        return zipped;
      });
      return compressed;
    },
  };
  cache.set(key, encoded, { watched, index, bytes: body.length, isRare: isRare(request) });
  return encoded;
}
