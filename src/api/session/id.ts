import { uuidLookupError } from '../../lib/uuid.ts';
import { badRequest, HttpError } from '../http-error.ts';

/** The session of a path. Throws 400 when it is missing, 500 in Consul's words when it is no UUID. */
export function sessionId(text: string, prefix = ''): string {
  if (text === '') throw badRequest('Missing session');
  const error = uuidLookupError(text);
  if (error !== undefined) throw new HttpError(500, `${prefix}failed session lookup: index error: ${error}`);
  return text.toLowerCase();
}
