import { visibleServices } from '../../../acl/visible.ts';
import { endpoint } from '../../endpoint.ts';
import { AGENT_SERVICE_FIELDS } from '../../filter/fields.ts';
import { compileFilter } from '../../filter/filter.ts';
import { json } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { agentService } from '../views.ts';

export const listServices = endpoint({
  method: 'GET',
  path: '/v1/agent/services',
  needs: 'filtered',
  isLocal: true,
  summary: 'Services of this agent, by ID',
  query: { filter: 'only services that match, e.g. Meta.env == prod' },
  handler(context, { query, authorizer }) {
    const { registry } = agentOf(context);
    const filter = compileFilter(query.get('filter'), AGENT_SERVICE_FIELDS);
    const services = visibleServices(authorizer, registry.services()).map(
      (service) => [service.id, agentService(service, context.node.datacenter)] as const,
    );
    return json(Object.fromEntries(services.filter(([, service]) => filter(service))));
  },
});
