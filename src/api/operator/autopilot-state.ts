import { fold } from '../../catalog/tables.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { conditionOf, quorumOf, serversOf } from './servers.ts';

export const autopilotState = endpoint({
  method: 'GET',
  path: '/v1/operator/autopilot/state',
  needs: 'operator:read',
  summary: 'The servers one by one: who leads, who has a vote, how each is',
  query: { dc: 'datacenter to ask' },
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const servers = await serversOf(context);
    const { healthy, failureTolerance } = quorumOf(servers);
    const one = (server: (typeof servers)[number]) => ({
      ID: server.id,
      Name: server.name,
      Address: server.address,
      NodeStatus: server.alive ? 'alive' : 'failed',
      ...conditionOf(server, context),
      ReadReplica: false,
      Status: server.leader ? 'leader' : server.voter ? 'voter' : 'non-voter',
      Meta: context.catalog.get('nodes', fold(server.name))?.meta ?? {},
      NodeType: 'voter',
    });
    return json({
      Healthy: healthy,
      FailureTolerance: failureTolerance,
      // Counts standbys of redundancy zones, which Consul has only in its enterprise edition.
      OptimisticFailureTolerance: 0,
      Servers: Object.fromEntries(servers.map((server) => [server.id, one(server)])),
      Leader: servers.find(({ leader }) => leader)?.id ?? '',
      Voters: servers.filter(({ voter }) => voter).map(({ id }) => id),
    });
  },
});
