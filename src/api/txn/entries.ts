import {
  deregisterCheck,
  deregisterNode,
  deregisterService,
  putCheck,
  putNode,
  putService,
} from '../../catalog/commands/register.ts';
import type { Check, Indexed, Node, Service } from '../../catalog/rows.ts';
import { checkKey, nodeKey, serviceKey } from '../../catalog/tables.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { isAny } from '../../lib/ip.ts';
import { nodeIdError } from '../../lib/uuid.ts';
import { checkDraft, serviceDraft, serviceMetaFault } from '../catalog/bodies.ts';
import { checkWire } from '../wire/check.ts';
import { nodeWire } from '../wire/node.ts';
import { serviceWire } from '../wire/service.ts';
import type { CheckOperation, NodeOperation, ServiceOperation } from './body.ts';
import { OperationError, type Outcome } from './outcome.ts';

const quote = (text: string): string => JSON.stringify(text);

/** One entry of the catalog as the verbs need it. */
interface Entry {
  kind: 'Node' | 'Service' | 'Check';
  /** For error texts, e.g. `service "web" on node "n1"`. */
  name: string;
  find(): Indexed | undefined;
  /** Throws for what no verb but get takes, whatever it is. */
  vet?(): void;
  put(): void;
  remove(): void;
  outcome(): Outcome[];
}

/** The verbs that nodes, services and checks share. `index` is what cas and delete-cas compare with. */
function entryOperation(verb: string, index: bigint, entry: Entry): Outcome[] {
  const isStale = () => BigInt(entry.find()?.modifyIndex ?? 0) !== index;
  if (verb !== 'get') entry.vet?.();
  switch (verb) {
    case 'get':
      if (entry.find() === undefined) throw new OperationError(`${entry.name} doesn't exist`);
      return entry.outcome();
    case 'set':
      entry.put();
      return entry.outcome();
    case 'cas':
      if (isStale()) throw new OperationError(`failed to set ${entry.name}, index is stale`);
      entry.put();
      return entry.outcome();
    case 'delete':
      entry.remove();
      return [];
    case 'delete-cas':
      // Index 0 means "only if it is not there" when something is set; there is nothing to delete then.
      if (index === 0n || isStale())
        throw new OperationError(`failed to delete ${entry.name}, index is stale`);
      entry.remove();
      return [];
    default:
      throw new OperationError(`unknown ${entry.kind} verb ${quote(verb)}`);
  }
}

export function nodeOperation(
  tx: Transaction,
  { Verb, Node: body }: NodeOperation,
  datacenter: string,
): Outcome[] {
  // Only what is asked for is asked for by its ID: whatever changes a node names it.
  const find = (): Node | undefined =>
    Verb !== 'get' || body.ID === ''
      ? tx.get('nodes', nodeKey(body.Node))
      : tx.list('nodes', 'id', body.ID.toLowerCase())[0];
  return entryOperation(Verb, body.ModifyIndex, {
    kind: 'Node',
    name: `node ${quote(body.Node)}`,
    find,
    vet: () => {
      if (body.Node === '') throw new OperationError('Must provide node');
      const idError = body.ID === '' ? undefined : nodeIdError(body.ID);
      if (idError !== undefined) throw new OperationError(`Bad node ID: ${idError}`);
    },
    put: () => {
      if (body.Address === '') throw new OperationError('Must provide address if SkipNodeUpdate is not set');
      putNode(tx, {
        id: body.ID.toLowerCase(),
        name: body.Node,
        address: body.Address,
        datacenter,
        taggedAddresses: body.TaggedAddresses,
        meta: body.Meta,
      });
    },
    remove: () => deregisterNode(tx, body.Node),
    outcome: () => [{ Node: nodeWire(find() as Node) }],
  });
}

export function serviceOperation(tx: Transaction, operation: ServiceOperation): Outcome[] {
  const { Verb, Node: node, Service: body } = operation;
  const draft = serviceDraft(body);
  // What is asked for is asked for by its ID, also where that is the name.
  const id = Verb === 'get' ? body.ID : draft.id;
  const find = (): Service | undefined => tx.get('services', serviceKey(node, id));
  return entryOperation(Verb, body.ModifyIndex, {
    kind: 'Service',
    name: `service ${quote(id)} on node ${quote(node)}`,
    find,
    vet: () => {
      if (isAny(body.Address)) throw new OperationError('Invalid service address');
    },
    put: () => {
      if (body.Service === '') throw new OperationError('Must provide service name with ID');
      const fault = serviceMetaFault(draft, node);
      if (fault !== undefined) throw new OperationError(fault);
      putService(tx, { ...draft, node: tx.get('nodes', nodeKey(node))?.name ?? node });
    },
    remove: () => deregisterService(tx, node, draft.id),
    outcome: () => [{ Service: serviceWire(find() as Service) }],
  });
}

export function checkOperation(tx: Transaction, { Verb, Check: body }: CheckOperation): Outcome[] {
  const draft = checkDraft(body);
  const find = (): Check | undefined => tx.get('checks', checkKey(body.Node, draft.id));
  return entryOperation(Verb, body.ModifyIndex, {
    kind: 'Check',
    name: `check ${quote(draft.id)} on node ${quote(body.Node)}`,
    find,
    put: () => putCheck(tx, tx.get('nodes', nodeKey(body.Node))?.name ?? body.Node, draft),
    remove: () => deregisterCheck(tx, body.Node, draft.id),
    outcome: () => {
      const check = find() as Check;
      // Here, and only here, Consul writes the tags of a check of a node as null.
      const tags = check.serviceId === '' ? null : check.serviceTags;
      return [{ Check: { ...checkWire(check), ServiceTags: tags } }];
    },
  });
}
