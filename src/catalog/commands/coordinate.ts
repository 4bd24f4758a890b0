import type { Coordinate } from '../rows.ts';
import { nodeKey, serviceKey } from '../tables.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { isUnchanged } from './equal.ts';

/** Sets where a node is. Of a node that is not there nothing is kept (Consul drops such updates). */
export function putCoordinate(tx: Transaction, draft: Draft<Coordinate>): boolean {
  const node = tx.get('nodes', nodeKey(draft.node));
  if (node === undefined) return false;
  const row = { ...draft, node: node.name };
  if (!isUnchanged(tx.get('coordinates', serviceKey(row.node, row.segment)), row)) tx.put('coordinates', row);
  return true;
}
