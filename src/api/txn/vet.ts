import type { Authorizer } from '../../acl/authorizer.ts';
import type { Reader } from '../../catalog/tables.ts';
import { serviceKey } from '../../catalog/tables.ts';
import { permissionDenied } from '../access.ts';
import { checkDraft, serviceDraft } from '../catalog/bodies.ts';
import { vetCheck, vetInstance, vetNode } from '../catalog/vet.ts';
import type { CheckWire } from '../wire/check.ts';
import type { NodeWire } from '../wire/node.ts';
import type { ServiceWire } from '../wire/service.ts';
import type { KvOperation, TxnOperation } from './body.ts';
import type { Outcome } from './outcome.ts';

/**
 * Throws 403 unless the token may do this. Reads are let through: what they answer is filtered. Asked right before
 * the operation, so that it sees what those before it did.
 */
export function vetOperation(
  reader: Reader,
  authorizer: Authorizer,
  { KV, Node, Service, Check }: TxnOperation,
): void {
  if (authorizer.isUnrestricted) return;
  if (KV !== undefined) {
    if (!mayDo(authorizer, KV)) throw permissionDenied();
  } else if (Node !== undefined) {
    if (Node.Verb === 'get') return;
    const { ID, Node: name } = Node.Node;
    const byId = ID === '' ? [] : reader.list('nodes', 'id', ID.toLowerCase());
    for (const one of [name, ...byId.map((node) => node.name)]) vetNode(reader, authorizer, one);
  } else if (Service !== undefined) {
    if (Service.Verb === 'get') return;
    const { id, name } = serviceDraft(Service.Service);
    const known = reader.get('services', serviceKey(Service.Node, id));
    vetInstance(reader, authorizer, { node: Service.Node, id, name: name || (known?.name ?? '') });
  } else if (Check !== undefined && Check.Verb !== 'get') {
    const { id, serviceId } = checkDraft(Check.Check);
    const serviceName = Check.Check.ServiceName;
    vetCheck(reader, authorizer, { node: Check.Check.Node, id, serviceId, serviceName });
  }
}

function mayDo(authorizer: Authorizer, { Verb, Key }: KvOperation): boolean {
  switch (Verb) {
    case 'get':
    case 'get-tree':
      return true;
    case 'delete-tree':
      return authorizer.allowsBelow('key', 'write', Key);
    case 'check-session':
    case 'check-index':
      return authorizer.allows('key', 'read', Key);
    default:
      return authorizer.allows('key', 'write', Key);
  }
}

/** Whether the token may see what an operation answers. */
export function isVisible(authorizer: Authorizer, outcome: Outcome): boolean {
  if (authorizer.isUnrestricted) return true;
  const { KV, Node, Service, Check } = outcome as {
    KV?: { Key: string };
    Node?: NodeWire;
    Service?: ServiceWire;
    Check?: CheckWire;
  };
  if (KV !== undefined) return authorizer.allows('key', 'read', KV.Key);
  if (Node !== undefined) return authorizer.allows('node', 'read', Node.Node);
  if (Service !== undefined) return authorizer.allows('service', 'read', Service.Service);
  if (Check === undefined) return false;
  return Check.ServiceID === ''
    ? authorizer.allows('node', 'read', Check.Node)
    : authorizer.allows('service', 'read', Check.ServiceName);
}
