import type { Authorizer } from '../../acl/authorizer.ts';
import { visibleChecks, visibleServices } from '../../acl/visible.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Node } from '../../catalog/rows.ts';
import { fold } from '../../catalog/tables.ts';
import { checkWire } from '../wire/check.ts';
import { serviceWire } from '../wire/service.ts';

/** A node with its services and checks, as Consul shows it to user interfaces. */
export function nodeDump(catalog: Catalog, authorizer: Authorizer, node: Node) {
  const key = fold(node.name);
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    TaggedAddresses: node.taggedAddresses,
    Meta: node.meta,
    Services: visibleServices(authorizer, catalog.list('services', 'node', key)).map(serviceWire),
    Checks: visibleChecks(authorizer, catalog.list('checks', 'node', key)).map(checkWire),
  };
}
