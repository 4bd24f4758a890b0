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
  handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const { id, name, advertiseAddress, ports, version } = context.node;
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
