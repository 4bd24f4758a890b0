import { endpoint } from '../endpoint.ts';
import { empty } from '../reply.ts';
import { agentOf } from './context.ts';
import { MAINTENANCE_QUERY, maintenanceReason } from './maintenance-query.ts';

export const maintainNode = endpoint({
  method: 'PUT',
  path: '/v1/agent/maintenance',
  needs: 'node:write',
  isLocal: true,
  summary: 'Put all services of this node out of the rotation with a critical check, or back',
  query: MAINTENANCE_QUERY,
  async handler(context, { query }) {
    await agentOf(context).registry.maintain('', maintenanceReason(query));
    return empty();
  },
});
