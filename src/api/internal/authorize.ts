import type { Authorizer, Wanted } from '../../acl/authorizer.ts';
import type { Resource } from '../../acl/rules.ts';
import { aclOf } from '../acl/context.ts';
import { decodeBody, list, object, string } from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';

const BODY = list(
  object({ Resource: string, Segment: string, Access: string }, { name: 'ACLAuthorizationRequest' }),
);

/** Questions in one request (Consul's bound). */
const MAX_QUESTIONS = 64;

const READ_WRITE = ['read', 'write'];
/** What can be asked for of each kind. Of some there is only one, whatever the segment says. */
const KINDS: Readonly<Record<Resource, { readonly access: readonly string[]; readonly single?: true }>> = {
  acl: { access: READ_WRITE, single: true },
  agent: { access: READ_WRITE },
  event: { access: READ_WRITE },
  key: { access: ['read', 'list', 'write', 'write-prefix'] },
  keyring: { access: READ_WRITE, single: true },
  node: { access: READ_WRITE },
  operator: { access: READ_WRITE, single: true },
  query: { access: READ_WRITE },
  service: { access: READ_WRITE },
  session: { access: READ_WRITE },
};

export const internalAuthorize = endpoint({
  method: 'POST',
  path: '/v1/internal/acl/authorize',
  needs: 'checked',
  summary: 'Whether the token may do each of these things, so that a user interface offers no more',
  query: { dc: 'datacenter to ask' },
  body: BODY,
  async handler(context, request) {
    aclOf(context);
    const questions =
      (await decodeBody(request, BODY, {
        failed: (reason) => `Bad request: Failed to decode request body: ${reason}`,
      })) ?? [];
    checkDatacenter(context, request.query.get('dc'));
    if (questions.length > MAX_QUESTIONS)
      throw badRequest(`Bad request: Refusing to process more than ${MAX_QUESTIONS} authorizations at once`);
    const { authorizer } = request;
    return json(
      questions.map(({ Resource: kind, Segment, Access }) => ({
        Resource: kind,
        ...(Segment === '' ? {} : { Segment }),
        Access,
        Allow: mayDo(authorizer, { kind, segment: Segment, access: Access.toLowerCase() }),
      })),
    );
  },
});

function mayDo(
  authorizer: Authorizer,
  { kind, segment, access }: { kind: string; segment: string; access: string },
): boolean {
  if (!Object.hasOwn(KINDS, kind))
    throw badRequest(`Bad request: Invalid ACL resource requested: ${JSON.stringify(kind)}`);
  const resource = kind as Resource;
  const { access: known, single } = KINDS[resource];
  if (!known.includes(access))
    throw badRequest(`Bad request: Invalid access level for ${kind} resource: ${access}`);
  if (access === 'write-prefix') return authorizer.allowsBelow(resource, 'write', segment);
  return authorizer.allows(resource, access as Wanted, single ? '' : segment);
}
