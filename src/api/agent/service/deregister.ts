import { endpoint } from '../../endpoint.ts';
import { HttpError } from '../../http-error.ts';
import { empty } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { vetServiceChange } from '../vet.ts';

export const deregisterService = endpoint({
  method: 'PUT',
  path: '/v1/agent/service/deregister/:id',
  needs: 'checked',
  isLocal: true,
  summary: 'Take a service and its checks away; one that is not there is no error',
  async handler(context, request) {
    const { params } = request;
    if (params.id === '') throw new HttpError(500, 'ServiceID missing');
    vetServiceChange(context, request, params.id);
    await agentOf(context).registry.deregisterService(params.id);
    return empty();
  },
});
