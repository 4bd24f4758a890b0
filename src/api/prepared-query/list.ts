import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY } from '../read-options.ts';
import { preparedQueryWire } from '../wire/prepared-query.ts';
import { visibleQueries, withoutToken } from './vet.ts';

export const listPreparedQueries = endpoint({
  method: 'GET',
  path: '/v1/query',
  needs: 'filtered',
  summary: 'All prepared queries',
  query: READ_QUERY,
  handler: (context, request) =>
    blockingRead(context, request, {
      topics: [topic.queries],
      read: () => {
        const { authorizer } = request;
        const queries = visibleQueries(authorizer, context.catalog.all('queries'));
        return queries.map((query) => preparedQueryWire(withoutToken(authorizer, query)));
      },
    }),
});
