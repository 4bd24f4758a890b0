import { randomUUID } from 'node:crypto';
import {
  cloneLegacyToken,
  deleteBySecret,
  isAnonymous,
  putLegacyToken,
} from '../../acl/commands/legacy-token.ts';
import { secretDigest } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { permissionDenied } from '../access.ts';
import { blockingRead } from '../blocking.ts';
import { decodeBody, object, string, uint64 } from '../decode.ts';
import { type ApiRequest, type Endpoint, endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { READ_QUERY } from '../read-options.ts';
import { json } from '../reply.ts';
import { legacyTokenWire } from '../wire/acl.ts';
import { aclOf } from './context.ts';

/** The endpoints of before Consul 1.4, for tools of then: a token is called by its secret, and has rules of its own. */

const BODY = object(
  { ID: string, Name: string, Type: string, Rules: string, CreateIndex: uint64, ModifyIndex: uint64 },
  { name: 'ACL' },
);

/** Words that once were policies; as secrets they would be taken for them. */
const ROOTS = ['allow', 'deny', 'manage'];

function secretOf({ params }: ApiRequest<'id'>): string {
  if (params.id === '') throw badRequest('Missing ACL');
  return params.id;
}

function forbidden(why: string): HttpError {
  return new HttpError(403, `Permission denied: ${why}`);
}

const put = (path: '/v1/acl/create' | '/v1/acl/update', summary: string) =>
  endpoint({
    method: 'PUT',
    path,
    needs: 'acl:write',
    summary,
    body: BODY,
    async handler(context, request) {
      aclOf(context);
      const failed = (reason: string) => `Request decode failed: ${reason}`;
      const { ID, Name, Type, Rules } = await decodeBody(request, BODY, { failed, allowEmpty: true });
      if (ID === '' && path === '/v1/acl/update') throw badRequest('ACL ID must be set');
      if (ROOTS.includes(ID)) throw forbidden('Cannot modify root ACL');
      const [secretId, accessorId] = [ID || randomUUID(), randomUUID()];
      const input = { secretId, name: Name, type: Type || 'client', rules: Rules };
      await context.store.write((tx) => putLegacyToken(tx, accessorId, input));
      return json({ ID: secretId });
    },
  });

const destroy = endpoint({
  method: 'PUT',
  path: '/v1/acl/destroy/:id',
  needs: 'acl:write',
  summary: 'Takes the token with this secret away; true also when there is none',
  async handler(context, request) {
    aclOf(context);
    const secret = secretOf(request);
    if (isAnonymous(secret)) throw forbidden('Cannot delete anonymous token');
    await context.store.write((tx) => deleteBySecret(tx, secret));
    return json(true);
  },
});

const clone = endpoint({
  method: 'PUT',
  path: '/v1/acl/clone/:id',
  needs: 'acl:write',
  summary: 'Makes another token with the rights of the one with this secret',
  async handler(context, request) {
    aclOf(context);
    const of = secretOf(request);
    const ids = { accessorId: randomUUID(), secretId: randomUUID() };
    const { answer } = await context.store.write((tx) => cloneLegacyToken(tx, of, ids));
    if (answer === undefined) throw permissionDenied();
    return json({ ID: ids.secretId });
  },
});

/** Whoever has the secret may see what it is: he needs no other token. */
const info = endpoint({
  method: 'GET',
  path: '/v1/acl/info/:id',
  needs: 'nothing',
  summary: 'The token with this secret, as a list of one or none',
  query: READ_QUERY,
  handler(context, request) {
    const acl = aclOf(context);
    const digest = secretDigest(secretOf(request));
    return blockingRead(context, request, {
      topics: [topic.aclTokens],
      kind: 'plain',
      read: () =>
        context.catalog
          .list('aclTokens', 'secret', digest)
          .filter((token) => !acl.isExpired(token))
          .flatMap(legacyTokenWire),
    });
  },
});

const list = endpoint({
  method: 'GET',
  path: '/v1/acl/list',
  needs: 'acl:write',
  summary: 'All tokens of this kind, with their secrets',
  query: READ_QUERY,
  handler(context, request) {
    const acl = aclOf(context);
    return blockingRead(context, request, {
      topics: [topic.aclTokens],
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'write');
        return context.catalog
          .all('aclTokens')
          .filter((token) => !acl.isExpired(token))
          .flatMap(legacyTokenWire);
      },
    });
  },
});

export const legacyEndpoints: readonly Endpoint[] = [
  put('/v1/acl/create', 'Makes a token with rules of its own'),
  put('/v1/acl/update', 'Replaces the token with this ID, which is its secret, or makes it'),
  destroy,
  clone,
  info,
  list,
];
