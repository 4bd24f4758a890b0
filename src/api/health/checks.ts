import { fold } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { LIST_QUERY, readOptions } from '../read-options.ts';
import { checkList } from './check-list.ts';

export const healthChecks = endpoint({
  method: 'GET',
  path: '/v1/health/checks/:service',
  needs: 'filtered',
  summary: 'The checks of the instances of a service, without those of their nodes',
  query: LIST_QUERY,
  handler(context, request) {
    const options = readOptions(context, request);
    const { service } = request.params;
    if (service === '') throw badRequest('Missing service name');
    const answer = checkList(context, request);
    return blockingRead(context, request, {
      topics: [topic.service(service)],
      options,
      shared: !request.query.has('near'),
      read: () => answer(context.catalog.list('checks', 'service', fold(service))),
    });
  },
});
