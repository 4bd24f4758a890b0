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

export function nodeWithServices(
  catalog: Catalog,
  nameOrId: string,
  filter: Filter,
): { node: Node; services: ServiceWire[] } | undefined {
  const node = findNode(catalog, nameOrId);
  if (node === undefined) return undefined;
  const services = catalog.list('services', 'node', fold(node.name)).map(serviceWire).filter(filter);
  return { node, services };
}
