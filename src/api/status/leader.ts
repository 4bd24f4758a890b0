import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { leaderAddress } from './leader-address.ts';

export const statusLeader = endpoint({
  method: 'GET',
  path: '/v1/status/leader',
  needs: 'nothing',
  isLocal: true,
  summary: 'Address of the leader among the servers',
  query: { dc: 'datacenter to ask' },
  handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    return json(leaderAddress(context));
  },
});
