import { endpoint } from '../../endpoint.ts';
import { json } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { agentService } from '../views.ts';

export const listServices = endpoint({
  method: 'GET',
  path: '/v1/agent/services',
  summary: 'Services of this agent, by ID',
  handler(context) {
    const { registry } = agentOf(context);
    const { datacenter } = context.node;
    return json(
      Object.fromEntries(
        registry.services().map((service) => [service.id, agentService(service, datacenter)]),
      ),
    );
  },
});
