import { parseDuration } from '../lib/duration.ts';
import type { ApiContext } from './context.ts';
import type { ApiRequest } from './endpoint.ts';
import { badRequest, HttpError } from './http-error.ts';
import type { Query } from './query.ts';

export type Consistency = 'leader' | 'stale' | 'consistent';

/** The parameters that every read of the catalog takes. */
export interface ReadOptions {
  /** Block while the index is not above this one; 0: answer at once. */
  readonly index: number;
  /** Longest wait in ms; 0: the default. */
  readonly wait: number;
  readonly consistency: Consistency;
  readonly cached: boolean;
}

/** Their documentation, for the rows of the table. */
export const READ_QUERY = {
  dc: 'datacenter to ask',
  index: 'block until the index is above this one',
  wait: 'longest wait, e.g. 30s (5m unless told otherwise, at most 10m)',
  stale: 'any server may answer',
  consistent: 'the leader makes sure that it is the leader',
  pretty: 'indented JSON',
} as const;

/** Those of lists besides. */
export const LIST_QUERY = {
  filter: 'only items for which this expression holds',
  near: 'order by the distance from this node; _agent: from the one that is asked',
  'node-meta': 'only on nodes with this key:value; may be repeated',
  ...READ_QUERY,
} as const;

/** Throws 400 in Consul's words for what cannot be read, and refuses another datacenter. */
export function readOptions(context: ApiContext, request: ApiRequest): ReadOptions {
  const { query } = request;
  const wait = query.get('wait') === '' ? 0 : parseDuration(query.get('wait'));
  if (wait === undefined) throw badRequest('Invalid wait time');
  const index = query.get('index') === '' ? 0 : readIndex(query.get('index'));
  const consistency = readConsistency(query);
  const cached = query.has('cached') && context.settings.useCache;
  if (cached && consistency === 'consistent')
    throw badRequest('Cannot specify ?cached with ?consistent, conflicting semantics.');
  if (cached) checkCacheControl(request.headers['cache-control'] ?? '');
  checkDatacenter(context, query.get('dc'));
  return { index, wait, consistency, cached };
}

const MAX_INDEX = 2n ** 64n - 1n;

function readIndex(text: string): number {
  if (!/^\d+$/.test(text) || BigInt(text) > MAX_INDEX) throw badRequest('Invalid index');
  return Number(text);
}

function readConsistency(query: Query): Consistency {
  const maxStale = query.get('max_stale');
  const stale = query.has('stale') || maxStale !== '';
  if (maxStale !== '' && parseDuration(maxStale) === undefined)
    throw badRequest(`Invalid max_stale value ${JSON.stringify(maxStale)}`);
  if (stale && query.has('consistent'))
    throw badRequest('Cannot specify ?stale with ?consistent, conflicting semantics.');
  if (query.has('consistent')) return 'consistent';
  return stale ? 'stale' : 'leader';
}

function checkCacheControl(header: string): void {
  for (const part of header.split(',')) {
    const [name, value] = part.trim().toLowerCase().split('=');
    if ((name === 'max-age' || name === 'stale-if-error') && !/^\d+$/.test(value ?? ''))
      throw badRequest('Invalid Cache-Control header.');
  }
}

/** A server answers for its own datacenter only. `dc` is "" for that one. */
export function checkDatacenter(context: ApiContext, dc: string): void {
  if (dc !== '' && dc !== context.node.datacenter) throw new HttpError(500, 'No path to datacenter');
}
