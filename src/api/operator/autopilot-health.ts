import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { conditionOf, quorumOf, serversOf } from './servers.ts';

export const autopilotHealth = endpoint({
  method: 'GET',
  path: '/v1/operator/autopilot/health',
  needs: 'operator:read',
  summary: 'Whether the servers are well; 429 when one is not',
  query: { dc: 'datacenter to ask' },
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const servers = await serversOf(context);
    const { healthy, failureTolerance } = quorumOf(servers);
    const Servers = servers.map((one) => ({
      ID: one.id,
      Name: one.name,
      Address: one.address,
      SerfStatus: one.alive ? 'alive' : 'failed',
      ...conditionOf(one, context),
      Leader: one.leader,
      Voter: one.voter,
    }));
    return json(
      { Healthy: healthy, FailureTolerance: failureTolerance, Servers },
      { status: healthy ? 200 : 429 },
    );
  },
});
