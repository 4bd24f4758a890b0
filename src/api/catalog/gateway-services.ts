import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';

export const catalogGatewayServices = endpoint({
  method: 'GET',
  path: '/v1/catalog/gateway-services/:gateway',
  needs: 'filtered',
  summary: 'The services behind a gateway of the mesh: none, there is no mesh here',
  query: READ_QUERY,
  handler(context, request) {
    const options = readOptions(context, request);
    if (request.params.gateway === '') throw badRequest('Missing gateway name');
    return blockingRead(context, request, { topics: [topic.services], options, read: () => [] });
  },
});
