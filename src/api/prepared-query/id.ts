import type { Reader } from '../../catalog/tables.ts';
import { uuidLookupError } from '../../lib/uuid.ts';
import { HttpError } from '../http-error.ts';

/** The ID of a path. Throws 500 in Consul's words when it is no UUID. */
export function queryId(text: string, prefix = ''): string {
  const error = uuidLookupError(text);
  if (error !== undefined)
    throw new HttpError(500, `${prefix}failed prepared query lookup: index error: ${error}`);
  return text.toLowerCase();
}

/** The ID of a query that is to be changed. Throws 500 when it is no UUID or nobody has it. */
export function knownQueryId(reader: Reader, text: string): string {
  const id = queryId(text, 'Prepared Query lookup failed: ');
  if (reader.get('queries', id) === undefined)
    throw new HttpError(500, `Cannot modify non-existent prepared query: '${text}'`);
  return id;
}

/** What Consul says with 404. */
export function queryNotFound(): HttpError {
  return new HttpError(404, 'Query not found');
}
