import { deregisterCheck, deregisterNode, deregisterService } from '../../catalog/commands/register.ts';
import { decodeBody, object, string } from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { vetDeregistration } from './vet.ts';

const BODY = object(
  { Datacenter: string, Node: string, Address: string, ServiceID: string, CheckID: string, Token: string },
  { name: 'DeregisterRequest' },
);

export const catalogDeregister = endpoint({
  method: 'PUT',
  path: '/v1/catalog/deregister',
  needs: 'checked',
  summary: 'Takes a service or a check away, or else the node with all that is on it',
  query: { dc: 'datacenter to ask' },
  body: BODY,
  async handler(context, request) {
    const { Datacenter, Node, ServiceID, CheckID } = await decodeBody(request, BODY);
    checkDatacenter(context, Datacenter || request.query.get('dc'));
    if (Node === '') throw new HttpError(500, 'Must provide node');
    const { authorizer } = request;
    await context.store.write((tx) => {
      vetDeregistration(tx, authorizer, { node: Node, serviceId: ServiceID, checkId: CheckID });
      if (ServiceID !== '') deregisterService(tx, Node, ServiceID);
      else if (CheckID !== '') deregisterCheck(tx, Node, CheckID);
      else deregisterNode(tx, Node);
    });
    return json(true);
  },
});
