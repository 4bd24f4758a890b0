import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { serversOf } from './servers.ts';

/** The version of Raft's protocol that Consul 1.10 names; nothing here depends on it. */
const PROTOCOL_VERSION = '3';

export const raftConfiguration = endpoint({
  method: 'GET',
  path: '/v1/operator/raft/configuration',
  needs: 'operator:read',
  summary: 'The servers, and who leads them',
  query: { dc: 'datacenter to ask' },
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const Servers = (await serversOf(context)).map((one) => ({
      ID: one.id,
      Node: one.name,
      Address: one.address,
      Leader: one.leader,
      ProtocolVersion: PROTOCOL_VERSION,
      Voter: one.voter,
    }));
    return json({ Servers, Index: 0 });
  },
});
