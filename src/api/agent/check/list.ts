import { endpoint } from '../../endpoint.ts';
import { json } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { agentCheck } from '../views.ts';

export const listChecks = endpoint({
  method: 'GET',
  path: '/v1/agent/checks',
  summary: 'Checks of this agent, by ID',
  handler(context) {
    const { registry } = agentOf(context);
    return json(
      Object.fromEntries(registry.checks().map((check) => [check.id, agentCheck(check, context.node.name)])),
    );
  },
});
