import type { ApiContext } from '../context.ts';

/** Status numbers of a member: 1 is alive. */
const ALIVE = 1;

/**
 * This agent as a member of the cluster on the wire. The versions are those of the protocols that clients of Consul
 * expect to see.
 */
export function member({ node, acl }: ApiContext, server: boolean, wan = false): object {
  return {
    Name: wan ? `${node.name}.${node.datacenter}` : node.name,
    Addr: node.advertiseAddress,
    Port: node.ports.serfLan,
    Tags: {
      acls: acl === undefined ? '0' : '1',
      build: node.version,
      dc: node.datacenter,
      id: node.id,
      ...(server
        ? { bootstrap: '1', port: String(node.ports.server), raft_vsn: '3', role: 'consul' }
        : { role: 'node' }),
      segment: '',
      vsn: '2',
      vsn_max: '3',
      vsn_min: '2',
    },
    Status: ALIVE,
    ProtocolMin: 1,
    ProtocolMax: 5,
    ProtocolCur: 2,
    DelegateMin: 2,
    DelegateMax: 5,
    DelegateCur: 4,
  };
}
