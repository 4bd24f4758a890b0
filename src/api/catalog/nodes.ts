import { visibleNodes } from '../../acl/visible.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { NODE_FIELDS } from '../filter/fields.ts';
import { compileFilter } from '../filter/filter.ts';
import { sortNear } from '../near.ts';
import { hasMeta, nodeMetaOf } from '../node-meta.ts';
import { LIST_QUERY, readOptions } from '../read-options.ts';
import { nodeWire } from '../wire/node.ts';

export const catalogNodes = endpoint({
  method: 'GET',
  path: '/v1/catalog/nodes',
  needs: 'filtered',
  summary: 'All nodes',
  query: LIST_QUERY,
  handler(context, request) {
    const { query } = request;
    const options = readOptions(context, request);
    const filter = compileFilter(query.get('filter'), NODE_FIELDS);
    const meta = nodeMetaOf(query);
    return blockingRead(context, request, {
      topics: [topic.nodes],
      options,
      shared: !query.has('near'),
      read: () => {
        const nodes = visibleNodes(request.authorizer, context.catalog.all('nodes')).filter((node) =>
          hasMeta(node.meta, meta),
        );
        return sortNear(context, query.get('near'), nodes, ({ name }) => name)
          .map(nodeWire)
          .filter(filter);
      },
    });
  },
});
