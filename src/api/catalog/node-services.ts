import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { SERVICE_FIELDS } from '../filter/fields.ts';
import { compileFilter } from '../filter/filter.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { nodeWire } from '../wire/node.ts';
import { nodeTopic, nodeWithServices } from './node-with-services.ts';

export const catalogNodeServices = endpoint({
  method: 'GET',
  path: '/v1/catalog/node-services/:node',
  needs: 'filtered',
  summary: 'A node, by name or ID, with its services as a list',
  query: { filter: 'only services for which this expression holds', ...READ_QUERY },
  handler(context, request) {
    const options = readOptions(context, request);
    const { node } = request.params;
    if (node === '') throw badRequest('Missing node name');
    const filter = compileFilter(request.query.get('filter'), SERVICE_FIELDS);
    return blockingRead(context, request, {
      topics: [nodeTopic(context.catalog, node), topic.node(node)],
      options,
      read: () => {
        const found = nodeWithServices(context.catalog, request.authorizer, node, filter);
        return found === undefined
          ? { Node: null, Services: null }
          : { Node: nodeWire(found.node), Services: found.services };
      },
    });
  },
});
