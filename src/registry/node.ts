import { ALIVE_OUTPUT, MEMBER_CHECK, type Node, SERVER_SERVICE, type StringMap } from '../catalog/rows.ts';
import type { Draft } from '../catalog/transaction.ts';
import { isIPv6 } from '../lib/ip.ts';
import type { LocalCheck, LocalService } from './local.ts';

/** Who this node is, as it stands in the catalog. */
export interface LocalNode {
  /** UUID. */
  readonly id: string;
  readonly name: string;
  /** Where others reach it. */
  readonly address: string;
  readonly datacenter: string;
  /** Added to the node's metadata. */
  readonly meta?: StringMap;
  /** Addresses by tag beside those that follow from `address`. */
  readonly taggedAddresses?: StringMap;
  /** Of a server: the port between servers and what its entry of the service "consul" says. */
  readonly server?: { readonly port: number; readonly meta?: StringMap };
}

/** The node's row. */
export function nodeRow(node: LocalNode): Draft<Node> {
  const { address } = node;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  return {
    id: node.id,
    name: node.name,
    address,
    datacenter: node.datacenter,
    taggedAddresses: {
      lan: address,
      [`lan_${family}`]: address,
      wan: address,
      [`wan_${family}`]: address,
      ...node.taggedAddresses,
    },
    meta: { 'consul-network-segment': '', ...node.meta },
  };
}

/** What the catalog says of a member beside its own registrations. */
export function memberRows(node: LocalNode): { services: LocalService[]; checks: LocalCheck[] } {
  const check: LocalCheck = {
    id: MEMBER_CHECK,
    name: 'Serf Health Status',
    status: 'passing',
    notes: '',
    output: ALIVE_OUTPUT,
    serviceId: '',
    serviceName: '',
    serviceTags: [],
    type: '',
    interval: '',
    timeout: '',
    spec: null,
    source: 'config',
  };
  if (node.server === undefined) return { services: [], checks: [check] };
  const server: LocalService = {
    id: SERVER_SERVICE,
    name: SERVER_SERVICE,
    kind: '',
    tags: [],
    address: '',
    taggedAddresses: null,
    meta: { ...node.server.meta },
    port: node.server.port,
    socketPath: '',
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    source: 'config',
  };
  return { services: [server], checks: [check] };
}
