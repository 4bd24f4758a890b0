import { mayReadNode } from '../../acl/visible.ts';
import { endpoint } from '../endpoint.ts';
import { json } from '../reply.ts';
import { agentOf } from './context.ts';
import { member } from './member.ts';

export const listMembers = endpoint({
  method: 'GET',
  path: '/v1/agent/members',
  needs: 'filtered',
  summary: 'Members of the cluster as this agent sees them',
  query: { wan: 'the servers with their datacenter in the name', segment: 'taken and of no account' },
  handler(context, { query, authorizer }) {
    const { server } = agentOf(context);
    if (!mayReadNode(authorizer, context.node.name)) return json([]);
    return json([member(context, server, query.get('wan') !== '')]);
  },
});
