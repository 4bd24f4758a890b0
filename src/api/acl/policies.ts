import { randomUUID } from 'node:crypto';
import { createPolicy, deletePolicy, type PolicyInput, updatePolicy } from '../../acl/commands/policy.ts';
import { fold } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { type Decoded, decodeBody, list, object, string } from '../decode.ts';
import { type ApiRequest, type Endpoint, endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY } from '../read-options.ts';
import { json } from '../reply.ts';
import { policyStubWire, policyWire } from '../wire/acl.ts';
import { CARRIED } from './bodies.ts';
import { aclOf, checkId, notFound } from './context.ts';

const BODY = object(
  { ID: string, Name: string, Description: string, Rules: string, Datacenters: list(string), ...CARRIED },
  { name: 'ACLPolicy' },
);

const failed = (reason: string) => `Bad request: Policy decoding failed: ${reason}`;

function inputOf({ Name, Description, Rules, Datacenters }: Decoded<typeof BODY>): PolicyInput {
  return { name: Name, description: Description, rules: Rules, datacenters: Datacenters ?? [] };
}

function policyId({ params }: ApiRequest<'id'>): string {
  if (params.id === '') throw badRequest('Bad request: Missing policy ID');
  return params.id;
}

const listPolicies = endpoint({
  method: 'GET',
  path: '/v1/acl/policies',
  needs: 'acl:read',
  summary: 'All policies, without their rules',
  query: READ_QUERY,
  handler(context, request) {
    aclOf(context);
    return blockingRead(context, request, {
      topics: [topic.aclPolicies],
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'read');
        return context.catalog.all('aclPolicies').map(policyStubWire);
      },
    });
  },
});

const getPolicy = endpoint({
  method: 'GET',
  path: '/v1/acl/policy/:id',
  needs: 'acl:read',
  summary: 'A policy',
  query: READ_QUERY,
  handler(context, request) {
    aclOf(context);
    const id = policyId(request).toLowerCase();
    checkId('policy', id);
    return blockingRead(context, request, {
      topics: [topic.aclPolicies],
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'read');
        const policy = context.catalog.get('aclPolicies', id);
        if (policy === undefined) throw notFound();
        return policyWire(policy);
      },
    });
  },
});

const getPolicyByName = endpoint({
  method: 'GET',
  path: '/v1/acl/policy/name/:name',
  needs: 'acl:read',
  summary: 'A policy by its name',
  query: READ_QUERY,
  handler(context, request) {
    aclOf(context);
    const { name } = request.params;
    if (name === '') throw badRequest('Bad request: Missing policy Name');
    return blockingRead(context, request, {
      topics: [topic.aclPolicies],
      kind: 'plain',
      read: () => {
        request.authorize('acl', 'read');
        const policy = context.catalog.list('aclPolicies', 'name', fold(name))[0];
        if (policy === undefined) throw notFound();
        return policyWire(policy);
      },
    });
  },
});

const putPolicy = endpoint({
  method: 'PUT',
  path: '/v1/acl/policy',
  needs: 'acl:write',
  summary: 'Makes a policy',
  body: BODY,
  async handler(context, request) {
    aclOf(context);
    const body = await decodeBody(request, BODY, { failed });
    if (body.ID !== '') throw badRequest('Bad request: Cannot specify the ID when creating a new policy');
    const id = randomUUID();
    const { answer } = await context.store.write((tx) => createPolicy(tx, id, inputOf(body)));
    return json(policyWire(answer));
  },
});

const changePolicy = endpoint({
  method: 'PUT',
  path: '/v1/acl/policy/:id',
  needs: 'acl:write',
  summary: 'Replaces a policy',
  body: BODY,
  async handler(context, request) {
    aclOf(context);
    const id = policyId(request);
    const body = await decodeBody(request, BODY, { failed });
    if (body.ID !== '' && body.ID !== id)
      throw badRequest('Bad request: Policy ID in URL and payload do not match');
    const { answer } = await context.store.write((tx) => updatePolicy(tx, id, inputOf(body)));
    return json(policyWire(answer));
  },
});

const removePolicy = endpoint({
  method: 'DELETE',
  path: '/v1/acl/policy/:id',
  needs: 'acl:write',
  summary: 'Takes a policy away; true also when there is none',
  async handler(context, request) {
    aclOf(context);
    const id = policyId(request);
    checkId('policy', id);
    await context.store.write((tx) => deletePolicy(tx, id));
    return json(true);
  },
});

export const policyEndpoints: readonly Endpoint[] = [
  listPolicies,
  putPolicy,
  getPolicyByName,
  getPolicy,
  changePolicy,
  removePolicy,
];
