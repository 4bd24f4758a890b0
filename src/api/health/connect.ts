import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';

export const healthConnect = endpoint({
  method: 'GET',
  path: '/v1/health/connect/:service',
  needs: 'filtered',
  summary: 'The instances of a service that speak the mesh: none, there is no mesh here',
  query: READ_QUERY,
  handler(context, request) {
    const options = readOptions(context, request);
    const { service } = request.params;
    if (service === '') throw badRequest('Missing service name');
    return blockingRead(context, request, { topics: [topic.service(service)], options, read: () => [] });
  },
});
