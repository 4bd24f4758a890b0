import { randomUUID } from 'node:crypto';
import { ANONYMOUS_TOKEN } from '../../acl/builtin.ts';
import {
  cloneToken,
  createToken,
  deleteToken,
  type TokenInput,
  updateToken,
} from '../../acl/commands/token.ts';
import type { AclToken } from '../../catalog/rows.ts';
import { secretDigest } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import type { ApiContext } from '../context.ts';
import { type Decoded, decodeBody } from '../decode.ts';
import { type ApiRequest, type Endpoint, endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { READ_QUERY } from '../read-options.ts';
import { json } from '../reply.ts';
import { tokenStubWire, tokenWire } from '../wire/acl.ts';
import { grantsOf, linksOf, TOKEN } from './bodies.ts';
import { aclOf, checkId, notFound } from './context.ts';

type TokenBody = Decoded<typeof TOKEN>;

/** Names of what tokens are linked to may change too. */
const TOPICS = [topic.aclTokens, topic.aclPolicies, topic.aclRoles];

const failed = (reason: string) => `Bad request: Token decoding failed: ${reason}`;

function inputOf(body: TokenBody): TokenInput {
  if (body.AuthMethod !== '') throw new HttpError(500, 'AuthMethod field is disallowed outside of Login');
  if (body.Rules !== '') throw new HttpError(500, 'Rules cannot be specified for this token');
  if (body.Type !== '') throw new HttpError(500, 'Type cannot be specified for this token');
  return {
    description: body.Description,
    ...grantsOf(body),
    roles: linksOf(body.Roles),
    local: body.Local,
    expiresAt: body.ExpirationTime ?? null,
    expirationTtl: body.ExpirationTTL,
  };
}

function accessorOf({ params }: ApiRequest<'id'>): string {
  if (params.id === '') throw badRequest('Bad request: Missing token ID');
  return params.id;
}

const listTokens = endpoint({
  method: 'GET',
  path: '/v1/acl/tokens',
  needs: 'acl:read',
  summary: 'All tokens; their secrets only for those who may write ACLs',
  query: {
    policy: 'only tokens that are linked to this policy (ID)',
    role: 'only tokens that are linked to this role (ID)',
    authmethod: 'only tokens that were made by this auth method: none',
    ...READ_QUERY,
  },
  handler(context, request) {
    const acl = aclOf(context);
    const { query } = request;
    const [policy, role] = [query.get('policy').toLowerCase(), query.get('role').toLowerCase()];
    const isWanted = ({ policies, roles }: AclToken) =>
      (policy === '' || policies.includes(policy)) &&
      (role === '' || roles.includes(role)) &&
      query.get('authmethod') === '';
    return blockingRead(context, request, {
      topics: TOPICS,
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'read');
        const tokens = context.catalog.all('aclTokens').filter((token) => !acl.isExpired(token));
        const showSecret = request.authorizer.allows('acl', 'write');
        return tokens.filter(isWanted).map((token) => tokenStubWire(context.catalog, token, showSecret));
      },
    });
  },
});

const ownToken = endpoint({
  method: 'GET',
  path: '/v1/acl/token/self',
  needs: 'checked',
  summary: 'The token of the request',
  query: READ_QUERY,
  handler(context, request) {
    const acl = aclOf(context);
    return blockingRead(context, request, {
      topics: TOPICS,
      kind: 'plain',
      read: () => {
        const token = acl.token(request.token);
        // Who brings none has that of the agent, if any: the anonymous one is nobody's own.
        const isOwn = request.token !== '' || token?.accessorId !== ANONYMOUS_TOKEN.accessorId;
        if (token === undefined || !isOwn) throw notFound();
        return tokenWire(context.catalog, token);
      },
    });
  },
});

const getToken = endpoint({
  method: 'GET',
  path: '/v1/acl/token/:id',
  needs: 'acl:read',
  summary: 'A token by its accessor ID; its secret only for those who may write ACLs',
  query: READ_QUERY,
  handler(context, request) {
    const acl = aclOf(context);
    const id = accessorOf(request).toLowerCase();
    checkId('token', id);
    return blockingRead(context, request, {
      topics: TOPICS,
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'read');
        const token = context.catalog.get('aclTokens', id);
        if (token === undefined || acl.isExpired(token)) throw notFound();
        return tokenWire(context.catalog, token, request.authorizer.allows('acl', 'write'));
      },
    });
  },
});

const putToken = endpoint({
  method: 'PUT',
  path: '/v1/acl/token',
  needs: 'acl:write',
  summary: 'Makes a token; answers it with its secret',
  body: TOKEN,
  async handler(context, request) {
    aclOf(context);
    const body = await decodeBody(request, TOKEN, { failed });
    const input = inputOf(body);
    const ids = {
      accessorId: body.AccessorID || randomUUID(),
      secretId: body.SecretID || randomUUID(),
      isAccessorGiven: body.AccessorID !== '',
      isSecretGiven: body.SecretID !== '',
    };
    const { answer } = await context.store.write((tx) => createToken(tx, ids, input));
    return json(tokenWire(context.catalog, answer));
  },
});

const changeToken = endpoint({
  method: 'PUT',
  path: '/v1/acl/token/:id',
  needs: 'acl:write',
  summary: 'Replaces what a token grants',
  body: TOKEN,
  async handler(context, request) {
    aclOf(context);
    const id = accessorOf(request);
    const body = await decodeBody(request, TOKEN, { failed });
    if (body.AccessorID !== '' && body.AccessorID !== id)
      throw badRequest('Bad request: Token Accessor ID in URL and payload do not match');
    const input = inputOf(body);
    const { answer } = await context.store.write((tx) => updateToken(tx, id, body.SecretID, input));
    return json(tokenWire(context.catalog, answer));
  },
});

const cloneOfToken = endpoint({
  method: 'PUT',
  path: '/v1/acl/token/:id/clone',
  needs: 'acl:write',
  summary: 'Makes another token that grants the same',
  body: TOKEN,
  async handler(context, request) {
    aclOf(context);
    const id = accessorOf(request);
    const body = await decodeBody(request, TOKEN, { failed, allowEmpty: true });
    if (body.AccessorID !== '' && body.AccessorID !== id)
      throw badRequest('Bad request: Token Accessor ID in URL and payload do not match');
    const ids = { accessorId: randomUUID(), secretId: randomUUID() };
    const { answer } = await context.store.write((tx) => cloneToken(tx, id, ids, body.Description));
    if (answer === undefined) throw notFound();
    return json(tokenWire(context.catalog, answer));
  },
});

const removeToken = endpoint({
  method: 'DELETE',
  path: '/v1/acl/token/:id',
  needs: 'acl:write',
  summary: 'Takes a token away; true also when there is none',
  async handler(context, request) {
    aclOf(context);
    const id = accessorOf(request);
    refuseOwn(context, request, id);
    await context.store.write((tx) => deleteToken(tx, id));
    return json(true);
  },
});

/** Whoever deleted the token that he comes with would stand outside. */
function refuseOwn({ catalog }: ApiContext, { token }: ApiRequest, accessorId: string): void {
  const known = catalog.get('aclTokens', accessorId.toLowerCase());
  if (known === undefined || known.accessorId === ANONYMOUS_TOKEN.accessorId) return;
  if (secretDigest(known.secretId) === secretDigest(token))
    throw new HttpError(500, "Deletion of the request's authorization token is not permitted");
}

export const tokenEndpoints: readonly Endpoint[] = [
  listTokens,
  putToken,
  ownToken,
  cloneOfToken,
  getToken,
  changeToken,
  removeToken,
];
