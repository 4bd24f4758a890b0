import { deregisterCheck, deregisterService, register } from '../catalog/commands/register.ts';
import type { Node } from '../catalog/rows.ts';
import { fold, nodeKey, serviceKey } from '../catalog/tables.ts';
import type { Draft, Transaction } from '../catalog/transaction.ts';
import { extend } from '../lib/extend.ts';
import type { LocalCheck, LocalService } from './local.ts';

/** What is true of this node. `undefined` under an ID: it is not registered here. */
export interface Truth {
  readonly node: Draft<Node>;
  readonly services: ReadonlyMap<string, LocalService | undefined>;
  readonly checks: ReadonlyMap<string, LocalCheck | undefined>;
  /** Services that checks need; written only where they are missing. */
  readonly needed?: ReadonlyMap<string, LocalService>;
}

export interface InLineOptions {
  /** The truth is the whole truth: what the catalog has beyond it goes, and the node's own row is corrected. */
  whole: boolean;
  /** Tags that were changed in the catalog stay where a service allows it (`enableTagOverride`). */
  keepOverrides: boolean;
}

/**
 * Makes the catalog's entries of this node say what is true. Writes only what differs, so that nothing changes an
 * index without need; a pure function of the transaction. Throws `request.rejected` when another node has the name.
 */
export function bringInLine(tx: Transaction, truth: Truth, { whole, keepOverrides }: InLineOptions): void {
  const { node } = truth;
  // Under a row of another node nothing is written: that one keeps its name, or loses it with all that it is.
  const isOwn = tx.get('nodes', nodeKey(node.name))?.id === node.id;
  register(tx, { node, skipNodeUpdate: !whole && isOwn });
  const { name } = tx.get('nodes', nodeKey(node.name)) ?? node;
  if (whole) dropForeign(tx, name, truth);
  for (const [id, check] of truth.checks) if (check === undefined) deregisterCheck(tx, name, id);
  for (const [id, service] of truth.services) {
    if (service === undefined) deregisterService(tx, name, id);
    else putService(tx, node, name, service, keepOverrides);
  }
  for (const [id, service] of truth.needed ?? []) {
    if (tx.get('services', serviceKey(name, id)) === undefined) putService(tx, node, name, service, false);
  }
  const checks = [...truth.checks.values()].flatMap((check) =>
    check === undefined ? [] : [checkRow(tx, check)],
  );
  register(tx, { node, skipNodeUpdate: true, checks });

  function checkRow(tx: Transaction, { spec: _spec, source: _source, ...check }: LocalCheck) {
    const known = tx.get('checks', serviceKey(name, check.id));
    // Output alone is written lazily, by those who know that it is time.
    const output = whole && known?.status === check.status ? known.output : check.output;
    return extend(check, { output, definition: {} });
  }
}

function dropForeign(tx: Transaction, name: string, truth: Truth): void {
  for (const { id } of tx.list('checks', 'node', fold(name))) {
    if (truth.checks.get(id) === undefined) deregisterCheck(tx, name, id);
  }
  for (const { id } of tx.list('services', 'node', fold(name))) {
    if (truth.services.get(id) === undefined) deregisterService(tx, name, id);
  }
}

function putService(
  tx: Transaction,
  node: Draft<Node>,
  name: string,
  { source: _source, ...service }: LocalService,
  keepOverrides: boolean,
): void {
  const known = tx.get('services', serviceKey(name, service.id));
  const tags = keepOverrides && service.enableTagOverride && known !== undefined ? known.tags : service.tags;
  register(tx, { node, skipNodeUpdate: true, service: { ...service, tags } });
}
