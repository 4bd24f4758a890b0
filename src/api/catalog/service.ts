import { mayReadInstance } from '../../acl/visible.ts';
import { fold, nodeKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { SERVICE_NODE_FIELDS } from '../filter/fields.ts';
import { compileFilter } from '../filter/filter.ts';
import { badRequest } from '../http-error.ts';
import { sortNear } from '../near.ts';
import { hasMeta, nodeMetaOf } from '../node-meta.ts';
import { LIST_QUERY, readOptions } from '../read-options.ts';
import { hasTags, tagsOf } from '../tags.ts';
import { serviceNodeWire } from '../wire/service.ts';

export const catalogService = instances({
  path: '/v1/catalog/service/:service',
  summary: 'The instances of a service with their nodes',
  by: 'name',
  topicsOf: (service) => [topic.service(service)],
});

export const catalogConnect = instances({
  path: '/v1/catalog/connect/:service',
  summary:
    'The proxies of a service in a mesh, and its instances that speak the mesh: as registered, there is no mesh here',
  by: 'mesh',
  topicsOf: () => [topic.services, topic.nodes],
});

function instances({
  path,
  summary,
  by,
  topicsOf,
}: {
  path: `${string}/:service`;
  summary: string;
  by: 'name' | 'mesh';
  topicsOf: (service: string) => readonly string[];
}) {
  return endpoint({
    method: 'GET',
    path,
    needs: 'filtered',
    summary,
    query: { tag: 'only instances with this tag; may be repeated', ...LIST_QUERY },
    handler(context, request) {
      const { query, params } = request;
      const options = readOptions(context, request);
      if (params.service === '') throw badRequest('Missing service name');
      const filter = compileFilter(query.get('filter'), SERVICE_NODE_FIELDS);
      const meta = nodeMetaOf(query);
      const tags = tagsOf(query);
      const { catalog } = context;
      return blockingRead(context, request, {
        topics: topicsOf(params.service),
        kind: 'cacheable',
        options,
        shared: !query.has('near'),
        read: () => {
          const { authorizer } = request;
          const rows = catalog.list('services', by, fold(params.service)).flatMap((service) => {
            const node = catalog.get('nodes', nodeKey(service.node));
            return node !== undefined &&
              mayReadInstance(authorizer, node.name, service.name) &&
              hasTags(service, tags) &&
              hasMeta(node.meta, meta)
              ? [serviceNodeWire(node, service)]
              : [];
          });
          return sortNear(context, query.get('near'), rows.filter(filter), ({ Node }) => Node);
        },
      });
    },
  });
}
