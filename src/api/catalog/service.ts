import { mayReadInstance } from '../../acl/visible.ts';
import { fold, nodeKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { SERVICE_NODE_FIELDS } from '../filter/fields.ts';
import { type Asked, instanceList, MESH_SUMMARY } from '../instance-list.ts';
import { serviceNodeWire } from '../wire/service.ts';

export const catalogService = instanceList({
  path: '/v1/catalog/service/:service',
  summary: 'The instances of a service with their nodes',
  fields: SERVICE_NODE_FIELDS,
  topicsOf: (service) => [topic.service(service)],
  reading: (asked) => () => rowsOf(asked, 'name'),
  nodeOf: ({ Node }) => Node,
});

export const catalogConnect = instanceList({
  path: '/v1/catalog/connect/:service',
  summary: MESH_SUMMARY,
  fields: SERVICE_NODE_FIELDS,
  topicsOf: () => [topic.services, topic.nodes],
  reading: (asked) => () => rowsOf(asked, 'mesh'),
  nodeOf: ({ Node }) => Node,
});

function rowsOf(
  { context: { catalog }, request: { authorizer }, service: name, fits }: Asked,
  by: 'name' | 'mesh',
) {
  return catalog.list('services', by, fold(name)).flatMap((service) => {
    const node = catalog.get('nodes', nodeKey(service.node));
    return node !== undefined && mayReadInstance(authorizer, node.name, service.name) && fits(service, node)
      ? [serviceNodeWire(node, service)]
      : [];
  });
}
