import type { ApiContext } from '../context.ts';
import type { ApiRequest } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import type { Query } from '../query.ts';
import { checkDatacenter } from '../read-options.ts';

/** Checks what PUT and DELETE have in common and answers the key. */
export function writtenKey(
  context: ApiContext,
  { params, query }: ApiRequest<'key'>,
  exclusive: readonly string[],
): string {
  checkDatacenter(context, query.get('dc'));
  if (params.key === '') throw badRequest('Missing key name');
  if (exclusive.filter((name) => query.has(name)).length > 1)
    throw badRequest(`Conflicting flags: ${query.encode()}`);
  return params.key;
}

const MAX_UINT64 = 2n ** 64n - 1n;

/** An unsigned number of 64 bits, or undefined when the query has no such parameter. Throws 500 in Go's words. */
export function uint64Parameter(query: Query, name: string): bigint | undefined {
  if (!query.has(name)) return undefined;
  const text = query.get(name);
  if (!/^\d+$/.test(text))
    throw new HttpError(500, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = BigInt(text);
  if (value > MAX_UINT64)
    throw new HttpError(500, `strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}
