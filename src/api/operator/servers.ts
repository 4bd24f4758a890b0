import { formatHostPort } from '../../lib/host-port.ts';
import type { ApiContext } from '../context.ts';

/** A server, as the operator's endpoints tell of it. */
export interface Server {
  id: string;
  name: string;
  /** "host:port" between servers. */
  address: string;
  leader: boolean;
  voter: boolean;
  alive: boolean;
}

/** The servers of the cluster, or this agent alone, which is its own server. */
export async function serversOf({ cluster, node }: ApiContext): Promise<readonly Server[]> {
  if (cluster !== undefined) return cluster.servers();
  const address = formatHostPort(node.advertiseAddress, node.ports.server);
  return [{ id: node.id, name: node.name, address, leader: true, voter: true, alive: true }];
}

/**
 * How a server is, in Consul's fields. Contact, term and index are of its Raft log, of which etcd tells nothing here: those are
 * what this agent knows, for every server alike.
 */
export function conditionOf({ alive }: Server, { node, catalog, startedAt }: ApiContext) {
  return {
    Version: node.version,
    LastContact: '0s',
    LastTerm: 0,
    LastIndex: catalog.index,
    Healthy: alive,
    StableSince: new Date(startedAt).toISOString(),
  };
}

/** How the servers are as a whole. */
export interface Quorum {
  healthy: boolean;
  /** Servers that may still be lost without an outage. */
  failureTolerance: number;
}

export function quorumOf(servers: readonly Server[]): Quorum {
  const voters = servers.filter(({ voter }) => voter);
  const alive = voters.filter((one) => one.alive).length;
  return {
    healthy: alive === voters.length,
    failureTolerance: Math.max(0, alive - (Math.floor(voters.length / 2) + 1)),
  };
}
