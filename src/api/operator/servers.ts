import type { ServerState } from '../../cluster/cluster.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { ApiContext } from '../context.ts';

/** The servers of the cluster, or this agent alone, which is its own server. */
export async function serversOf({ cluster, node }: ApiContext): Promise<readonly ServerState[]> {
  if (cluster !== undefined) return cluster.servers();
  const address = formatHostPort(node.advertiseAddress, node.ports.server);
  return [{ id: node.id, name: node.name, address, leader: true, voter: true, alive: true }];
}

const isWell = ({ alive, hears = true }: ServerState): boolean => alive && hears;

/**
 * How a server is, in Consul's fields. Contact and term are of its Raft log, of which etcd tells nothing here: those are what this agent knows,
 * for every server alike.
 */
export function conditionOf(server: ServerState, { node, catalog, startedAt }: ApiContext) {
  return {
    Version: server.version ?? node.version,
    LastContact: '0s',
    LastTerm: 0,
    LastIndex: server.index ?? catalog.index,
    Healthy: isWell(server),
    StableSince: new Date(startedAt).toISOString(),
  };
}

/** How the servers are as a whole. */
export interface Quorum {
  healthy: boolean;
  /** Servers that may still be lost without an outage. */
  failureTolerance: number;
}

export function quorumOf(servers: readonly ServerState[]): Quorum {
  const voters = servers.filter(({ voter }) => voter);
  const well = voters.filter(isWell).length;
  return {
    healthy: well === voters.length,
    failureTolerance: Math.max(0, well - (Math.floor(voters.length / 2) + 1)),
  };
}
