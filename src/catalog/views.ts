import type { Check, CheckStatus, Node, Service } from './rows.ts';
import { fold, nodeKey, type Reader, serviceKey } from './tables.ts';

/** An instance with all that bears on its health. */
export interface Instance {
  readonly node: Node;
  readonly service: Service;
  /** Checks of the node, then those of the instance. */
  readonly checks: readonly Check[];
}

/** IDs of the checks that maintenance mode puts in place; a check whose ID starts so says "maintenance". */
export const NODE_MAINTENANCE = '_node_maintenance';
export const SERVICE_MAINTENANCE = '_service_maintenance:';

/** Instances of a service, or those that take its traffic in a mesh, in the order of nodes and IDs. */
export function instancesOf(reader: Reader, service: string, by: 'name' | 'mesh' = 'name'): Instance[] {
  return reader.list('services', by, fold(service)).flatMap((row) => instanceOf(reader, row) ?? []);
}

/** Undefined when the node is not there (which the commands do not let happen). */
export function instanceOf(reader: Reader, service: Service): Instance | undefined {
  const node = reader.get('nodes', nodeKey(service.node));
  if (node === undefined) return undefined;
  const checks = [...nodeChecks(reader, service.node), ...serviceChecks(reader, service)];
  return { node, service, checks };
}

export function nodeChecks(reader: Reader, node: string): Check[] {
  return reader.list('checks', 'instance', serviceKey(node, ''));
}

export function serviceChecks(reader: Reader, service: Service): Check[] {
  return reader.list('checks', 'instance', serviceKey(service.node, service.id));
}

export type AggregatedStatus = CheckStatus | 'maintenance';

/** The worst of the checks decides; maintenance is worse than everything. No checks: passing. */
export function aggregate(checks: readonly Check[]): AggregatedStatus {
  let worst: CheckStatus = 'passing';
  for (const { id, status } of checks) {
    if (id === NODE_MAINTENANCE || id.startsWith(SERVICE_MAINTENANCE)) return 'maintenance';
    if (status === 'critical') worst = 'critical';
    else if (status === 'warning' && worst === 'passing') worst = 'warning';
  }
  return worst;
}

/** Where clients reach an instance: its own address, or else its node's. */
export function addressOf({ node, service }: Instance): string {
  return service.address === '' ? node.address : service.address;
}
