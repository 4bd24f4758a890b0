import { endpoint } from '../../endpoint.ts';
import { HttpError } from '../../http-error.ts';
import { json, text } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { agentService } from '../views.ts';
import { CODES, serviceHealth, wantsText } from './aggregate.ts';

export const healthByName = endpoint({
  method: 'GET',
  path: '/v1/agent/health/service/name/:name',
  needs: 'checked',
  isLocal: true,
  summary: 'Health of all instances of a service on this agent; the worst decides the status',
  query: { format: '"text" answers the worst status only' },
  handler(context, request) {
    const { name } = request.params;
    if (name === '') throw new HttpError(500, 'Bad request: Missing service Name');
    request.authorize('service', 'read', name);
    const { registry } = agentOf(context);
    let code = 404;
    let reason = `ServiceName ${name} Not Found`;
    const instances = registry
      .services()
      .filter((service) => service.name === name)
      .map((service) => {
        const { status, checks } = serviceHealth(registry, service.id);
        if (code === 404 || CODES[status] > code) {
          code = CODES[status];
          reason = status;
        }
        return {
          AggregatedStatus: status,
          Service: agentService(service, context.node.datacenter),
          Checks: checks,
        };
      });
    const more = { status: code, headers: { 'X-Consul-Reason': reason } };
    return wantsText(request) ? text(reason, { ...more, contentType: 'text/plain' }) : json(instances, more);
  },
});
