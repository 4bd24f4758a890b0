import type { Authorizer } from '../../acl/authorizer.ts';
import { DENY_ALL } from '../../acl/authorizer.ts';
import type { PreparedQuery } from '../../catalog/rows.ts';
import { permissionDenied } from '../access.ts';
import type { ApiContext } from '../context.ts';
import type { ApiRequest } from '../endpoint.ts';

/** What tokens may do with prepared queries, by Consul's rules: their name is what rights are about. */

type Named = Pick<PreparedQuery, 'name' | 'template'>;

/** A query without a name is known only to those who know its ID, which is right enough. */
function hasName({ name, template }: Named): boolean {
  return name !== '' || template.type !== '';
}

/** Throws 403 unless the query may be made, changed or deleted; `undefined` for one that is not there. */
export function vetQueryWrite(authorizer: Authorizer, query: Named | undefined): void {
  if (query === undefined || !hasName(query)) return;
  if (!authorizer.allows('query', 'write', query.name)) throw permissionDenied();
}

/** Who may manage ACLs sees every query. */
function seesAll(authorizer: Authorizer): boolean {
  return authorizer.isUnrestricted || authorizer.allows('acl', 'write');
}

/** Throws 403 unless the query may be looked at by one who knows its ID. */
export function vetQueryRead(authorizer: Authorizer, query: Named): void {
  if (!hasName(query) || seesAll(authorizer)) return;
  if (!authorizer.allows('query', 'read', query.name)) throw permissionDenied();
}

/** Those without a name are listed only for those who see all. */
export function visibleQueries(authorizer: Authorizer, queries: PreparedQuery[]): PreparedQuery[] {
  if (seesAll(authorizer)) return queries;
  return queries.filter((query) => hasName(query) && authorizer.allows('query', 'read', query.name));
}

const HIDDEN = '<hidden>';

/** Without its token, unless the reader may manage ACLs. */
export function withoutToken(authorizer: Authorizer, query: PreparedQuery): PreparedQuery {
  return query.token === '' || authorizer.allows('acl', 'write') ? query : { ...query, token: HIDDEN };
}

/** With whose rights a query is run: those of the token that it brings, or else of the one who asks. */
export function runnerOf({ acl }: ApiContext, request: ApiRequest, { token }: PreparedQuery): Authorizer {
  if (acl === undefined || token === '') return request.authorizer;
  return acl.authorizer(token) ?? DENY_ALL;
}
