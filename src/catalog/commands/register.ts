import { MusterError } from '../../errors.ts';
import { extend } from '../../lib/extend.ts';
import { type Check, MEMBER_CHECK, type Node, type Service } from '../rows.ts';
import { checkKey, fold, nodeKey, serviceKey } from '../tables.ts';
import { type Draft, type Transaction, withoutIndexes } from '../transaction.ts';
import { isUnchanged } from './equal.ts';
import { endSessionsOfCheck, endSessionsOfNode } from './session.ts';

export interface Registration {
  node: Draft<Node>;
  /** Leave an existing node's address and metadata as they are. */
  skipNodeUpdate?: boolean;
  service?: Omit<Draft<Service>, 'node'>;
  /** A check with a service ID takes name and tags of that service from the catalog. */
  checks?: Omit<Draft<Check>, 'node' | 'serviceName' | 'serviceTags'>[];
}

/**
 * Registers a node and, if given, a service and checks on it: all or nothing. What is already there unchanged
 * keeps its index. Throws `request.rejected` in Consul's words.
 */
export function register(tx: Transaction, registration: Registration): void {
  const node = putNode(tx, registration.node, registration.skipNodeUpdate);
  if (registration.service !== undefined) putService(tx, extend(registration.service, { node }));
  for (const check of registration.checks ?? []) putCheck(tx, node, check);
}

/** Writes a node. Answers its name as it is spelt in the catalog. */
export function putNode(tx: Transaction, draft: Draft<Node>, skipUpdate = false): string {
  const known = tx.get('nodes', nodeKey(draft.name));
  if (known !== undefined && skipUpdate) return known.name;
  const byId = draft.id === '' ? undefined : tx.list('nodes', 'id', draft.id)[0];
  // A node that comes back with its ID and another name takes the place of the old name.
  if (byId !== undefined && fold(byId.name) !== fold(draft.name)) deregisterNode(tx, byId.name);
  if (known !== undefined && draft.id === '' && known.id !== '') draft = { ...draft, id: known.id };
  // Whose agent is down, or never had one, is not there to be robbed: a node that was wiped comes back with its name.
  const agent = tx.get('checks', checkKey(draft.name, MEMBER_CHECK));
  const isTaken = agent !== undefined && agent.status !== 'critical';
  if (isTaken && known !== undefined && known.id !== '' && draft.id !== known.id) {
    throw new MusterError(
      'request.rejected',
      `failed inserting node: Error while renaming Node ID: ${JSON.stringify(draft.id)}: Node name ${draft.name} is reserved by node ${known.id} with name ${known.name} (${known.address})`,
    );
  }
  if (!isUnchanged(known, draft)) tx.put('nodes', draft);
  return draft.name;
}

/** Writes a service instance. Throws `request.rejected` when its node is not there. */
export function putService(tx: Transaction, draft: Draft<Service>): void {
  requireNode(tx, draft.node);
  const key = serviceKey(draft.node, draft.id);
  const known = tx.get('services', key);
  if (isUnchanged(known, draft)) return;
  tx.put('services', draft);
  // Checks follow the name of their service; the tags on them stay as they were registered (Consul's rule).
  for (const check of tx.list('checks', 'instance', key)) {
    if (check.serviceName !== draft.name)
      tx.put('checks', { ...withoutIndexes(check), serviceName: draft.name });
  }
}

/** Writes a check. Throws `request.rejected` when it has no ID, or its node or its service is not there. */
export function putCheck(
  tx: Transaction,
  node: string,
  draft: NonNullable<Registration['checks']>[number],
): void {
  requireNode(tx, node);
  if (draft.id === '')
    throw new MusterError(
      'request.rejected',
      `failed inserting check: failed health check lookup: index error: object is missing a value for this index on node ${JSON.stringify(node)}`,
    );
  let serviceName = '';
  let serviceTags: readonly string[] = [];
  if (draft.serviceId !== '') {
    const service = tx.get('services', serviceKey(node, draft.serviceId));
    if (service === undefined)
      throw new MusterError(
        'request.rejected',
        `failed inserting check: Missing service registration on node ${JSON.stringify(node)}`,
      );
    serviceName = service.name;
    serviceTags = service.tags;
  }
  const row: Draft<Check> = extend(draft, { node, serviceName, serviceTags });
  if (isUnchanged(tx.get('checks', checkKey(node, draft.id)), row)) return;
  tx.put('checks', row);
  if (row.status === 'critical') endSessionsOfCheck(tx, node, row.id);
}

function requireNode(tx: Transaction, name: string): void {
  if (tx.get('nodes', nodeKey(name)) === undefined)
    throw new MusterError('request.rejected', 'Missing node registration');
}

/** Takes a node away with its services and checks; sessions that hang on them end. False when it is not there. */
export function deregisterNode(tx: Transaction, name: string): boolean {
  for (const service of tx.list('services', 'node', fold(name))) deregisterService(tx, name, service.id);
  for (const check of tx.list('checks', 'node', fold(name))) deregisterCheck(tx, name, check.id);
  for (const { segment } of tx.list('coordinates', 'node', fold(name)))
    tx.delete('coordinates', serviceKey(name, segment));
  endSessionsOfNode(tx, name);
  return tx.delete('nodes', nodeKey(name));
}

/** Takes a service instance away with its checks; sessions that hang on those end. */
export function deregisterService(tx: Transaction, node: string, id: string): boolean {
  const key = serviceKey(node, id);
  for (const check of tx.list('checks', 'instance', key)) deregisterCheck(tx, node, check.id);
  return tx.delete('services', key);
}

/** Takes a check away; sessions that hang on it end. */
export function deregisterCheck(tx: Transaction, node: string, id: string): boolean {
  endSessionsOfCheck(tx, node, id);
  return tx.delete('checks', checkKey(node, id));
}

/** Sets status and output of a check; a critical one ends its sessions. False when there is no such check or nothing changes. */
export function updateCheck(
  tx: Transaction,
  node: string,
  id: string,
  { status, output }: Pick<Check, 'status' | 'output'>,
): boolean {
  const check = tx.get('checks', checkKey(node, id));
  if (check === undefined || (check.status === status && check.output === output)) return false;
  tx.put('checks', { ...withoutIndexes(check), status, output });
  if (status === 'critical') endSessionsOfCheck(tx, node, id);
  return true;
}
