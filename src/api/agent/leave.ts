import { endpoint } from '../endpoint.ts';
import { empty } from '../reply.ts';
import { agentOf } from './context.ts';

export const leave = endpoint({
  method: 'PUT',
  path: '/v1/agent/leave',
  needs: 'agent:write',
  summary: 'Leave for good: take this node out of the catalog and end the program',
  handler(context) {
    agentOf(context).leave();
    return empty();
  },
});
