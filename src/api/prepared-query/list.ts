import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY } from '../read-options.ts';
import { preparedQueryWire } from '../wire/prepared-query.ts';

export const listPreparedQueries = endpoint({
  method: 'GET',
  path: '/v1/query',
  summary: 'All prepared queries',
  query: READ_QUERY,
  handler: (context, request) =>
    blockingRead(context, request, {
      topics: [topic.queries],
      read: () => context.catalog.all('queries').map(preparedQueryWire),
    }),
});
