import { mayReadNode } from '../../acl/visible.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { json } from '../reply.ts';
import { agentOf } from './context.ts';
import { members } from './member.ts';

/** What clients ask for that want all members, whatever their segment. */
const ALL_SEGMENTS = '_all';

export const listMembers = endpoint({
  method: 'GET',
  path: '/v1/agent/members',
  needs: 'filtered',
  isLocal: true,
  summary: 'Members of the cluster as this agent sees them',
  query: {
    wan: 'the servers with their datacenter in the name',
    segment: '"_all"; there are no others, which are refused',
  },
  handler(context, { query, authorizer }) {
    if (!['', ALL_SEGMENTS].includes(query.get('segment')))
      throw new HttpError(500, 'Network segments are not supported in this version of Consul');
    const { server } = agentOf(context);
    const all = members(context, server, query.get('wan') !== '');
    return json(all.filter(({ Name }) => mayReadNode(authorizer, Name)));
  },
});
