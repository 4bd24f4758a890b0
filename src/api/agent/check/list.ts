import { mayReadNode, mayReadService } from '../../../acl/visible.ts';
import { endpoint } from '../../endpoint.ts';
import { CHECK_FIELDS } from '../../filter/fields.ts';
import { compileFilter } from '../../filter/filter.ts';
import { json } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { agentCheck } from '../views.ts';

export const listChecks = endpoint({
  method: 'GET',
  path: '/v1/agent/checks',
  needs: 'filtered',
  isLocal: true,
  summary: 'Checks of this agent, by ID',
  query: { filter: 'only checks that match, e.g. Status == critical' },
  handler(context, { query, authorizer }) {
    const { registry } = agentOf(context);
    const filter = compileFilter(query.get('filter'), CHECK_FIELDS);
    const checks = registry
      .checks()
      .filter(({ serviceId, serviceName }) =>
        serviceId === ''
          ? mayReadNode(authorizer, context.node.name)
          : mayReadService(authorizer, serviceName),
      )
      .map((check) => [check.id, agentCheck(check, context.node.name)] as const);
    return json(Object.fromEntries(checks.filter(([, check]) => filter(check))));
  },
});
