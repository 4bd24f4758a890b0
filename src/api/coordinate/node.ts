import { fold } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingMeta } from '../blocking.ts';
import { nodeSpelling } from '../catalog/vet.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { empty, json } from '../reply.ts';
import { allCoordinates } from './all.ts';

export const coordinateNode = endpoint({
  method: 'GET',
  path: '/v1/coordinate/node/:node',
  needs: 'checked',
  summary: 'The network coordinates of a node',
  query: { segment: 'only this network segment', ...READ_QUERY },
  async handler(context, request) {
    const { query, params } = request;
    const options = readOptions(context, request);
    const meta = await blockingMeta(context, request, { topics: [topic.coordinates] }, options, 'plain');
    request.authorize('node', 'read', nodeSpelling(context.catalog, params.node));
    const found = allCoordinates(context).filter(
      ({ Node, Segment }) =>
        fold(Node) === fold(params.node) && (!query.has('segment') || Segment === query.get('segment')),
    );
    return found.length === 0 ? empty(404, { meta }) : json(found, { meta });
  },
});
