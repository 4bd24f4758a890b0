import { endpoint } from '../../endpoint.ts';
import { HttpError } from '../../http-error.ts';
import { json, text } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { agentService } from '../views.ts';
import { CODES, serviceHealth, wantsText } from './aggregate.ts';

const PLAIN = { contentType: 'text/plain' };

export const healthById = endpoint({
  method: 'GET',
  path: '/v1/agent/health/service/id/:id',
  needs: 'checked',
  isLocal: true,
  summary: 'Health of a service of this agent: 200 passing, 429 warning, 503 critical or in maintenance',
  query: { format: '"text" answers the status only' },
  handler(context, request) {
    const { id } = request.params;
    if (id === '') throw new HttpError(500, 'Bad request: Missing serviceID');
    const { registry } = agentOf(context);
    const service = registry.service(id);
    if (service === undefined) {
      const reason = `ServiceId ${id} not found`;
      const more = { status: 404, headers: { 'X-Consul-Reason': reason } };
      // Of this one answer Consul makes JSON though a text is asked for.
      if (wantsText(request))
        return text(`${JSON.stringify(reason)}\n`, { ...more, contentType: 'application/json' });
      return json({ AggregatedStatus: 'critical', Service: null, Checks: null }, more);
    }
    request.authorize('service', 'read', service.name);
    const { status, checks } = serviceHealth(registry, id);
    const more = { status: CODES[status], headers: { 'X-Consul-Reason': status } };
    if (wantsText(request)) return text(status, { ...more, ...PLAIN });
    return json(
      { AggregatedStatus: status, Service: agentService(service, context.node.datacenter), Checks: checks },
      more,
    );
  },
});
