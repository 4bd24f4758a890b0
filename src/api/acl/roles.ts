import { randomUUID } from 'node:crypto';
import { createRole, deleteRole, type RoleInput, updateRole } from '../../acl/commands/role.ts';
import { fold } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { type Decoded, decodeBody, object, string } from '../decode.ts';
import { type ApiRequest, type Endpoint, endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY } from '../read-options.ts';
import { json } from '../reply.ts';
import { roleWire } from '../wire/acl.ts';
import { CARRIED, GRANTS, grantsOf } from './bodies.ts';
import { aclOf, checkId, isNowhere } from './context.ts';

const BODY = object(
  { ID: string, Name: string, Description: string, ...GRANTS, ...CARRIED },
  { name: 'ACLRole' },
);

const failed = (reason: string) => `Bad request: Role decoding failed: ${reason}`;

function inputOf(body: Decoded<typeof BODY>): RoleInput {
  return { name: body.Name, description: body.Description, ...grantsOf(body) };
}

function roleId({ params }: ApiRequest<'id'>): string {
  if (params.id === '') throw badRequest('Bad request: Missing role ID');
  return params.id;
}

const listRoles = endpoint({
  method: 'GET',
  path: '/v1/acl/roles',
  needs: 'acl:read',
  summary: 'All roles',
  query: { policy: 'only roles that are linked to this policy (ID)', ...READ_QUERY },
  handler(context, request) {
    aclOf(context);
    return blockingRead(context, request, {
      topics: [topic.aclRoles, topic.aclPolicies],
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'read');
        const policy = request.query.get('policy').toLowerCase();
        return context.catalog
          .all('aclRoles')
          .filter(({ policies }) => policy === '' || policies.includes(policy))
          .map((role) => roleWire(context.catalog, role));
      },
    });
  },
});

const getRole = endpoint({
  method: 'GET',
  path: '/v1/acl/role/:id',
  needs: 'acl:read',
  summary: 'A role',
  query: READ_QUERY,
  handler(context, request) {
    aclOf(context);
    const id = roleId(request).toLowerCase();
    checkId('role', id);
    return blockingRead(context, request, {
      topics: [topic.aclRoles, topic.aclPolicies],
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'read');
        const role = context.catalog.get('aclRoles', id);
        if (role === undefined) throw isNowhere();
        return roleWire(context.catalog, role);
      },
    });
  },
});

const getRoleByName = endpoint({
  method: 'GET',
  path: '/v1/acl/role/name/:name',
  needs: 'acl:read',
  summary: 'A role by its name',
  query: READ_QUERY,
  handler(context, request) {
    aclOf(context);
    const { name } = request.params;
    if (name === '') throw badRequest('Bad request: Missing role Name');
    return blockingRead(context, request, {
      topics: [topic.aclRoles, topic.aclPolicies],
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'read');
        const role = context.catalog.list('aclRoles', 'name', fold(name))[0];
        if (role === undefined) throw isNowhere();
        return roleWire(context.catalog, role);
      },
    });
  },
});

const putRole = endpoint({
  method: 'PUT',
  path: '/v1/acl/role',
  needs: 'acl:write',
  summary: 'Makes a role',
  body: BODY,
  async handler(context, request) {
    aclOf(context);
    const body = await decodeBody(request, BODY, { failed });
    if (body.ID !== '') throw badRequest('Bad request: Role ID in URL and payload do not match');
    const id = randomUUID();
    const { answer } = await context.store.write((tx) => createRole(tx, id, inputOf(body)));
    return json(roleWire(context.catalog, answer));
  },
});

const changeRole = endpoint({
  method: 'PUT',
  path: '/v1/acl/role/:id',
  needs: 'acl:write',
  summary: 'Replaces a role',
  body: BODY,
  async handler(context, request) {
    aclOf(context);
    const id = roleId(request);
    const body = await decodeBody(request, BODY, { failed });
    if (body.ID !== '' && body.ID !== id)
      throw badRequest('Bad request: Role ID in URL and payload do not match');
    const { answer } = await context.store.write((tx) => updateRole(tx, id, inputOf(body)));
    return json(roleWire(context.catalog, answer));
  },
});

const removeRole = endpoint({
  method: 'DELETE',
  path: '/v1/acl/role/:id',
  needs: 'acl:write',
  summary: 'Takes a role away; true also when there is none',
  async handler(context, request) {
    aclOf(context);
    const id = roleId(request);
    checkId('role', id);
    await context.store.write((tx) => deleteRole(tx, id));
    return json(true);
  },
});

export const roleEndpoints: readonly Endpoint[] = [
  listRoles,
  putRole,
  getRoleByName,
  getRole,
  changeRole,
  removeRole,
];
