import { endpoint } from '../../endpoint.ts';
import { HttpError } from '../../http-error.ts';
import { empty } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { vetCheckChange } from '../vet.ts';

export const deregisterCheck = endpoint({
  method: 'PUT',
  path: '/v1/agent/check/deregister/:id',
  needs: 'checked',
  isLocal: true,
  summary: 'Take a check away; one that is not there is no error',
  async handler(context, request) {
    const { params } = request;
    if (params.id === '') throw new HttpError(500, 'CheckID missing');
    vetCheckChange(context, request, params.id);
    await agentOf(context).registry.deregisterCheck(params.id);
    return empty();
  },
});
