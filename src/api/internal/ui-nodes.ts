import { visibleNodes } from '../../acl/visible.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { NODE_FIELDS } from '../filter/fields.ts';
import { compileFilter } from '../filter/filter.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { nodeDump } from './node-dump.ts';

export const uiNodes = endpoint({
  method: 'GET',
  path: '/v1/internal/ui/nodes',
  needs: 'filtered',
  summary: 'All nodes with their services and checks',
  query: { filter: 'only nodes for which this expression holds', ...READ_QUERY },
  handler(context, request) {
    const options = readOptions(context, request);
    const filter = compileFilter(request.query.get('filter'), NODE_FIELDS);
    const { catalog } = context;
    return blockingRead(context, request, {
      topics: [topic.nodes, topic.services, topic.checks],
      kind: 'plain',
      options,
      read: () => {
        const { authorizer } = request;
        return visibleNodes(authorizer, catalog.all('nodes'))
          .map((node) => nodeDump(catalog, authorizer, node))
          .filter(filter);
      },
    });
  },
});
