import { sortByDistance } from '../near.ts';
import { fold, type Reader } from '../tables.ts';
import type { Instance } from '../views.ts';

/** The node that is asked. */
const NEAR_AGENT = '_agent';
/** The node whose address the asker has. */
export const NEAR_IP = '_ip';

export interface Nearness {
  /** A node, `NEAR_AGENT`, `NEAR_IP`, or "" for no order. */
  near: string;
  /** Name of the node that is asked. */
  own: string;
  /** Address of the asker, or "". */
  asker: string;
}

/**
 * Orders the answer to a prepared query by the distance from a node. Instances on that node come first even when
 * nobody knows where it is; where no node is meant the order stays.
 */
export function nearestFirst(
  reader: Reader,
  { near, own, asker }: Nearness,
  instances: Instance[],
): Instance[] {
  const source = sourceOf(reader, { near, own, asker });
  if (source === '') return instances;
  const sorted = sortByDistance(reader, { own, source }, instances, ({ node }) => node.name);
  const isThere = ({ node }: Instance) => fold(node.name) === fold(source);
  return [...sorted.filter(isThere), ...sorted.filter((instance) => !isThere(instance))];
}

function sourceOf(reader: Reader, { near, own, asker }: Nearness): string {
  if (near === NEAR_AGENT) return own;
  if (near !== NEAR_IP) return near;
  // An IPv4 address on a socket for both families.
  const address = asker.replace(/^::ffff:(?=\d+\.)/i, '');
  return address === '' ? '' : (reader.list('nodes', 'address', address)[0]?.name ?? '');
}
