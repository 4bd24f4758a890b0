import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { empty } from '../reply.ts';
import { agentOf } from './context.ts';

export const forceLeave = endpoint({
  method: 'PUT',
  path: '/v1/agent/force-leave/:node',
  needs: 'operator:write',
  summary: 'Take a failed member out of the cluster',
  query: { prune: 'forget it altogether' },
  async handler(context, { params, query }) {
    agentOf(context);
    // A member that is alive stays: asking for oneself changes nothing.
    if (params.node === context.node.name) return empty();
    if (!(await context.cluster?.forceLeave(params.node, query.has('prune'))))
      throw new HttpError(500, `agent: No node found with name '${params.node}'`);
    return empty();
  },
});
