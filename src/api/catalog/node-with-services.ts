import type { Authorizer } from '../../acl/authorizer.ts';
import { mayReadNode, visibleServices } from '../../acl/visible.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Node } from '../../catalog/rows.ts';
import { fold, nodeKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import type { Filter } from '../filter/filter.ts';
import { type ServiceWire, serviceWire } from '../wire/service.ts';

/** A node by its name or by its ID. */
export function findNode(catalog: Catalog, nameOrId: string): Node | undefined {
  return catalog.get('nodes', nodeKey(nameOrId)) ?? catalog.list('nodes', 'id', nameOrId.toLowerCase())[0];
}

/** What a reader of the node waits for, also when it was asked for by its ID. */
export function nodeTopic(catalog: Catalog, nameOrId: string): string {
  return topic.node(findNode(catalog, nameOrId)?.name ?? nameOrId);
}

/** Undefined also for a node that the token may not see. */
export function nodeWithServices(
  catalog: Catalog,
  authorizer: Authorizer,
  nameOrId: string,
  filter: Filter,
): { node: Node; services: ServiceWire[] } | undefined {
  const node = findNode(catalog, nameOrId);
  if (node === undefined || !mayReadNode(authorizer, node.name)) return undefined;
  const rows = visibleServices(authorizer, catalog.list('services', 'node', fold(node.name)));
  const services = rows.map(serviceWire).filter(filter);
  return { node, services };
}
