import type { Instance } from '../../catalog/views.ts';
import { checkWire } from './check.ts';
import { nodeWire } from './node.ts';
import { serviceWire } from './service.ts';

/** Consul's JSON of an instance with all that bears on its health. */
export function entryWire({ node, service, checks }: Instance) {
  return { Node: nodeWire(node), Service: serviceWire(service), Checks: checks.map(checkWire) };
}
