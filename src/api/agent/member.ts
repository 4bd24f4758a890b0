import { leftMembers } from '../../catalog/commands/left-member.ts';
import { SERVER_SERVICE } from '../../catalog/rows.ts';
import { nodeKey, serviceKey } from '../../catalog/tables.ts';
import { membersOf } from '../../cluster/liveness.ts';
import { isReadable } from '../../store/store.ts';
import type { ApiContext } from '../context.ts';

/** Status numbers of a member, Serf's. */
const STATUS = { alive: 1, left: 3, failed: 4 } as const;

/** A member as it is shown. */
interface Shown {
  readonly name: string;
  readonly id: string;
  readonly address: string;
  readonly isServer: boolean;
  readonly status: keyof typeof STATUS;
}

/** All members: of a cluster the nodes with an agent, as the catalog has them, and those that left a while ago. */
export function members(
  context: ApiContext,
  server: boolean,
  wan = false,
): { Name: string; [field: string]: unknown }[] {
  const { catalog, cluster, node, store } = context;
  if (cluster === undefined || !isReadable(store)) return [member(context, server, wan)];
  const present = membersOf(catalog).flatMap(({ id, name, status }) => {
    const row = catalog.get('nodes', nodeKey(name));
    const isServer = catalog.get('services', serviceKey(name, SERVER_SERVICE)) !== undefined;
    if (wan && !isServer) return [];
    const address = row?.address ?? node.advertiseAddress;
    return [
      shown(context, { name, id, address, isServer, status: status === 'passing' ? 'alive' : 'failed' }, wan),
    ];
  });
  const left = leftMembers(catalog).filter(({ isServer }) => isServer || !wan);
  return [...present, ...left.map((one) => shown(context, { ...one, status: 'left' }, wan))];
}

/**
 * This agent as a member of the cluster on the wire. The versions are those of the protocols that clients of Consul
 * expect to see.
 */
export function member(
  context: ApiContext,
  server: boolean,
  wan = false,
): { Name: string; [field: string]: unknown } {
  const { id, name, advertiseAddress: address } = context.node;
  return shown(context, { id, name, address, isServer: server, status: 'alive' }, wan);
}

function shown(
  { node, acl, cluster }: ApiContext,
  { id, name, address, isServer, status }: Shown,
  wan: boolean,
): { Name: string; [field: string]: unknown } {
  const alone = cluster === undefined ? { bootstrap: '1' } : {};
  return {
    Name: wan ? `${name}.${node.datacenter}` : name,
    Addr: address,
    Port: node.ports.serfLan,
    Tags: {
      acls: acl === undefined ? '0' : '1',
      build: node.version,
      dc: node.datacenter,
      id,
      ...(isServer
        ? { ...alone, port: String(node.ports.server), raft_vsn: '3', role: 'consul' }
        : { role: 'node' }),
      segment: '',
      vsn: '2',
      vsn_max: '3',
      vsn_min: '2',
    },
    Status: STATUS[status],
    ProtocolMin: 1,
    ProtocolMax: 5,
    ProtocolCur: 2,
    DelegateMin: 2,
    DelegateMax: 5,
    DelegateCur: 4,
  };
}
