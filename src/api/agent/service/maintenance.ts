import { endpoint } from '../../endpoint.ts';
import { badRequest, HttpError } from '../../http-error.ts';
import { empty } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { MAINTENANCE_QUERY, maintenanceReason } from '../maintenance-query.ts';
import { vetServiceChange } from '../vet.ts';

export const maintainService = endpoint({
  method: 'PUT',
  path: '/v1/agent/service/maintenance/:id',
  needs: 'checked',
  isLocal: true,
  summary: 'Put a service out of the rotation with a critical check, or back',
  query: MAINTENANCE_QUERY,
  async handler(context, request) {
    const { params, query } = request;
    if (params.id === '') throw badRequest('Missing service ID');
    vetServiceChange(context, request, params.id);
    const reason = maintenanceReason(query);
    if (!(await agentOf(context).registry.maintain(params.id, reason)))
      throw new HttpError(404, `No service registered with ID ${JSON.stringify(params.id)}`);
    return empty();
  },
});
