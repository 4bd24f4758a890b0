import type { Acl } from '../acl/acl.ts';
import { ALLOW_ALL, type Authorizer, type Wanted } from '../acl/authorizer.ts';
import type { Resource } from '../acl/rules.ts';
import { topic } from '../catalog/topics.ts';
import { noServers } from '../store/store.ts';
import type { ApiContext } from './context.ts';
import type { ApiRequest } from './endpoint.ts';
import { HttpError } from './http-error.ts';

/**
 * What an endpoint asks of the token of a request. All but the first are refused to a token that nobody knows.
 *
 * - `nothing`: anybody may ask, the token is not looked at
 * - `filtered`: anybody may ask; what the token may not see is left out of the answer
 * - `checked`: the handler asks for the right to what the request names
 * - `agent:…`, `node:…`: that right to this agent, to this node
 * - `overview`: to read what operators read, and every service, node and key: the answer is not filtered
 * - the others: that right, of which there is only one
 */
export type Needs =
  | 'nothing'
  | 'filtered'
  | 'checked'
  | 'agent:read'
  | 'agent:write'
  | 'node:write'
  | 'operator:read'
  | 'operator:write'
  | 'keyring:read'
  | 'keyring:write'
  | 'acl:read'
  | 'acl:write'
  | 'overview';

/** An endpoint that says nothing is for those who may do everything. */
const UNSAID: Needs = 'acl:write';

/** Consul's refusal. `missing` names what would have been needed, e.g. "service:write on web". */
export function permissionDenied(missing = ''): HttpError {
  return new HttpError(403, missing === '' ? 'Permission denied' : `Permission denied: Missing ${missing}`);
}

/** What the sender of `token` may do now. Throws 403 for a token that nobody knows. */
export function authorizerOf(acl: Acl | undefined, token: string): Authorizer {
  if (acl === undefined) return ALLOW_ALL;
  const authorizer = acl.authorizer(token);
  if (authorizer === undefined) throw new UnknownToken(403, 'ACL not found');
  return authorizer;
}

class UnknownToken extends HttpError {}

/** Throws 403 unless the request may reach the endpoint at all. */
export function admit({ acl, node }: ApiContext, request: ApiRequest, needs: Needs = UNSAID): void {
  admitToken({ acl, node: node.name }, request.token, needs);
}

/** The same; of a replica that may not have heard of the token yet the answer comes once it has heard all. */
export function admitOverReplica(
  context: ApiContext,
  request: ApiRequest,
  needs?: Needs,
): Promise<void> | undefined {
  try {
    admit(context, request, needs);
    return undefined;
  } catch (error) {
    const { remote } = context.store;
    if (remote === undefined || !(error instanceof UnknownToken)) throw error;
    // Not 403, by which programs give up.
    if (!remote.isLoaded)
      throw new HttpError(500, `${noServers().message}: what a token may do is known when one is reached`);
    return remote
      .refresh()
      .catch(() => {})
      .then(() => admit(context, request, needs));
  }
}

/** Who keeps the door: access control, when it is on, on the node of that name. */
export interface Door {
  readonly acl: Acl | undefined;
  readonly node: string;
}

/** The same for requests that came in by another door than the HTTP API's. */
export function admitToken({ acl, node }: Door, token: string, needs: Needs = UNSAID): void {
  if (acl === undefined || needs === 'nothing') return;
  const authorizer = authorizerOf(acl, token);
  if (needs === 'filtered' || needs === 'checked') return;
  if (!isAllowed(authorizer, needs, node)) throw permissionDenied();
}

/**
 * For answers that go on and on: calls `end` once the request would not be admitted any more. The answer stops
 * looking.
 */
export function whileAdmitted(
  context: ApiContext,
  request: ApiRequest,
  needs: Needs,
  end: () => void,
): () => void {
  if (context.acl === undefined) return () => {};
  // Access control subscribed before: what it answers here is of now.
  return context.catalog.feed.subscribe(({ topics }) => {
    if (!ACL_TOPICS.some((name) => topics.has(name))) return;
    try {
      admit(context, request, needs);
    } catch {
      end();
    }
  });
}

const ACL_TOPICS = [topic.aclTokens, topic.aclPolicies, topic.aclRoles];

function isAllowed(
  authorizer: Authorizer,
  needs: Exclude<Needs, 'nothing' | 'filtered' | 'checked'>,
  node: string,
): boolean {
  if (needs === 'overview')
    return (
      authorizer.allows('operator', 'read') &&
      (['service', 'node', 'key'] as const).every((resource) => authorizer.allowsBelow(resource, 'read', ''))
    );
  const [resource, wanted] = needs.split(':') as [Resource, Wanted];
  return authorizer.allows(resource, wanted, resource === 'agent' || resource === 'node' ? node : '');
}
