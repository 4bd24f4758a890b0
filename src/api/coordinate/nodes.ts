import { mayReadNode } from '../../acl/visible.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { allCoordinates } from './all.ts';

export const coordinateNodes = endpoint({
  method: 'GET',
  path: '/v1/coordinate/nodes',
  needs: 'filtered',
  summary: 'The network coordinates of all nodes',
  query: { segment: 'only this network segment', ...READ_QUERY },
  handler(context, request) {
    const { query } = request;
    return blockingRead(context, request, {
      kind: 'plain',
      topics: [topic.coordinates],
      options: readOptions(context, request),
      read: () =>
        allCoordinates(context).filter(
          ({ Node, Segment }) =>
            mayReadNode(request.authorizer, Node) &&
            (!query.has('segment') || Segment === query.get('segment')),
        ),
    });
  },
});
