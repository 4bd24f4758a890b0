import { freshMeta } from '../blocking.ts';
import type { ApiContext } from '../context.ts';
import type { ApiRequest } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { readOptions } from '../read-options.ts';
import type { ReadMeta } from '../reply.ts';

/** Parameters with which a prepared query is run or explained. */
export interface Asked {
  /** Instances at most; 0 or less for all. */
  readonly limit: number;
  /** Running a query says nothing about indexes: it never blocks. */
  readonly meta: ReadMeta;
}

/** Resolves once the catalog is as new as was asked for. Rejects with 400 or 500 in Consul's words for what cannot be read. */
export async function asked(context: ApiContext, request: ApiRequest): Promise<Asked> {
  const { consistency } = readOptions(context, request);
  const limit = limitOf(request.query.get('limit'));
  return { limit, meta: { index: 0, ...(await freshMeta(context, consistency)) } };
}

/** Whether `?connect` asks only for instances that speak the mesh. Throws 500 in Consul's words. */
export function connectOf({ query }: ApiRequest): boolean {
  const text = query.get('connect');
  // What Go's `strconv.ParseBool` takes.
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(?:|0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new HttpError(
    500,
    `Error parsing 'connect' value: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

function limitOf(text: string): number {
  if (text === '') return 0;
  const refused = (problem: string) =>
    new HttpError(500, `Bad limit: strconv.Atoi: parsing ${JSON.stringify(text)}: ${problem}`);
  if (!/^[+-]?\d+$/.test(text)) throw refused('invalid syntax');
  const limit = Number(text);
  if (!Number.isSafeInteger(limit)) throw refused('value out of range');
  return limit;
}
