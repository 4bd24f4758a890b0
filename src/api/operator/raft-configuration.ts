import { formatHostPort } from '../../lib/host-port.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';

/** The version of Raft's protocol that Consul 1.10 names; nothing here depends on it. */
const PROTOCOL_VERSION = '3';

export const raftConfiguration = endpoint({
  method: 'GET',
  path: '/v1/operator/raft/configuration',
  needs: 'operator:read',
  summary: 'The servers, and who leads them',
  query: { dc: 'datacenter to ask' },
  handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const { id, name, advertiseAddress, ports } = context.node;
    const server = {
      ID: id,
      Node: name,
      Address: formatHostPort(advertiseAddress, ports.server),
      Leader: true,
      ProtocolVersion: PROTOCOL_VERSION,
      Voter: true,
    };
    return json({ Servers: [server], Index: 0 });
  },
});
