import { formatHostPort } from '../../lib/host-port.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';

export const autopilotHealth = endpoint({
  method: 'GET',
  path: '/v1/operator/autopilot/health',
  needs: 'operator:read',
  summary: 'Whether the servers are well',
  query: { dc: 'datacenter to ask' },
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const { id, name, advertiseAddress, ports, version } = context.node;
    if (context.cluster !== undefined) {
      const servers = await context.cluster.servers();
      const voters = servers.filter(({ voter }) => voter);
      const alive = voters.filter((one) => one.alive).length;
      const tolerance = Math.max(0, alive - (Math.floor(voters.length / 2) + 1));
      const Servers = servers.map((one) => ({
        ID: one.id,
        Name: one.name,
        Address: one.address,
        SerfStatus: one.alive ? 'alive' : 'failed',
        Version: version,
        Leader: one.leader,
        LastContact: '0s',
        LastTerm: 0,
        LastIndex: context.catalog.index,
        Healthy: one.alive,
        Voter: one.voter,
        StableSince: new Date(context.startedAt).toISOString(),
      }));
      const isHealthy = alive === voters.length;
      return json(
        { Healthy: isHealthy, FailureTolerance: tolerance, Servers },
        { status: isHealthy ? 200 : 429 },
      );
    }
    const server = {
      ID: id,
      Name: name,
      Address: formatHostPort(advertiseAddress, ports.server),
      SerfStatus: 'alive',
      Version: version,
      Leader: true,
      LastContact: '0s',
      LastTerm: 0,
      LastIndex: context.catalog.index,
      Healthy: true,
      Voter: true,
      StableSince: new Date(context.startedAt).toISOString(),
    };
    return json({ Healthy: true, FailureTolerance: 0, Servers: [server] });
  },
});
