import { availableParallelism } from 'node:os';
import { SERVER_SERVICE } from '../../catalog/rows.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Carriage } from '../../proxy/choice.ts';
import { nodeRow } from '../../registry/node.ts';
import type { ApiContext } from '../context.ts';
import { endpoint } from '../endpoint.ts';
import { json } from '../reply.ts';
import { leaderAddress, ownAddress } from '../status/leader-address.ts';
import { agentOf } from './context.ts';
import { member } from './member.ts';

/** Go's names of processors, as clients know them. */
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', ia32: '386' };

/** A coordinate that was never measured: the origin with the error that Consul begins with. */
const COORDINATE = { Vec: [0, 0, 0, 0, 0, 0, 0, 0], Error: 1.5, Adjustment: 0, Height: 0.00001 };

export const self = endpoint({
  method: 'GET',
  path: '/v1/agent/self',
  needs: 'agent:read',
  isLocal: true,
  summary: 'Who this agent is, and how it is doing',
  handler(context) {
    const { registry, server } = agentOf(context);
    const { node } = context;
    return json({
      Config: {
        Datacenter: node.datacenter,
        PrimaryDatacenter: node.datacenter,
        NodeName: node.name,
        NodeID: node.id,
        Revision: '',
        Server: server,
        Version: node.version,
      },
      DebugConfig: {
        AdvertiseAddrLAN: node.advertiseAddress,
        Datacenter: node.datacenter,
        HTTPPort: node.ports.http,
        DNSPort: node.ports.dns,
        NodeID: node.id,
        NodeName: node.name,
        ServerMode: server,
        SerfAdvertiseAddrLAN: `tcp://${formatHostPort(node.advertiseAddress, node.ports.serfLan)}`,
        Version: node.version,
      },
      Coord: COORDINATE,
      Member: member(context, server),
      Stats: stats(context),
      Meta: nodeRow(registry.node).meta,
    });
  },
});

/** Consul's statistics are strings throughout. */
function stats(context: ApiContext): object {
  const { node } = context;
  const { registry, server, carriage } = agentOf(context);
  const { services, checks, probed, ttl } = registry.counts;
  return {
    agent: {
      check_monitors: String(probed),
      check_ttls: String(ttl),
      checks: String(checks),
      services: String(services),
    },
    ...balancerStats(carriage?.()),
    build: { prerelease: '', revision: '', version: node.version },
    consul: { acl: context.acl === undefined ? 'disabled' : 'enabled', ...roleStats(context, server) },
    ...(server ? { raft: raftStats(context) } : {}),
    runtime: {
      arch: ARCHITECTURES[process.arch] ?? process.arch,
      cpu_count: String(availableParallelism()),
      max_procs: String(availableParallelism()),
      os: process.platform,
      version: process.version,
    },
  };
}

/** What scripts look for to know whether they run on the server that leads, or on none. */
function roleStats(context: ApiContext, server: boolean): object {
  if (!server) return { known_servers: String(serverCount(context)), server: 'false' };
  return {
    bootstrap: String(context.cluster === undefined),
    known_datacenters: '1',
    leader: String(leads(context)),
    leader_addr: leaderAddress(context),
    server: 'true',
  };
}

/** Of Raft, which etcd speaks here, what is known without asking anybody. */
function raftStats(context: ApiContext): object {
  const index = String(context.catalog.index);
  return {
    applied_index: index,
    commit_index: index,
    last_log_index: index,
    num_peers: String(Math.max(0, serverCount(context) - 1)),
    state: leads(context) ? 'Leader' : 'Follower',
  };
}

function leads(context: ApiContext): boolean {
  return leaderAddress(context) === ownAddress(context);
}

function serverCount({ catalog }: ApiContext): number {
  return catalog.list('services', 'name', SERVER_SERVICE).length;
}

function balancerStats(carriage: Carriage | undefined): object {
  if (carriage === undefined) return {};
  const { transport, why, workers } = carriage;
  return { balancer: { transport, transport_reason: why, workers: String(workers) } };
}
