import type { Acl } from '../../acl/acl.ts';
import { uuidLookupError } from '../../lib/uuid.ts';
import type { ApiContext } from '../context.ts';
import { HttpError } from '../http-error.ts';

/** Throws 401 while access is not controlled, as Consul does. */
export function aclOf({ acl }: ApiContext): Acl {
  if (acl === undefined) throw new HttpError(401, 'ACL support disabled');
  return acl;
}

/** What Consul says of a token or policy that is not there. */
export function notFound(): HttpError {
  return new HttpError(403, 'ACL not found');
}

/** And of anything else: nothing. */
export function isNowhere(): HttpError {
  return new HttpError(404, '');
}

/** What Consul says of an ID that could be nobody's. */
export function checkId(kind: 'token' | 'policy' | 'role', id: string): void {
  const invalid = uuidLookupError(id);
  if (invalid !== undefined) throw new HttpError(500, `failed acl ${kind} lookup: index error: ${invalid}`);
}
