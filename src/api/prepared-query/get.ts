import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { preparedQueryWire } from '../wire/prepared-query.ts';
import { executed } from './execute.ts';
import { explained } from './explain.ts';
import { queryId, queryNotFound } from './id.ts';
import { vetQueryRead, withoutToken } from './vet.ts';

export const getPreparedQuery = endpoint({
  method: 'GET',
  path: '/v1/query/:id',
  needs: 'checked',
  summary: 'A prepared query by its ID, as a list of one',
  query: READ_QUERY,
  namesOptions: false,
  handler(context, request) {
    // A name may have slashes: only the last segment says what is wanted, as in Consul.
    const end = /^(?:(.+)\/)?(execute|explain)$/s.exec(request.params.id);
    if (end !== null) {
      const run = end[2] === 'execute' ? executed : explained;
      return run(context, request, end[1] ?? (end[2] as string));
    }
    const options = readOptions(context, request);
    const id = queryId(request.params.id);
    const read = () => {
      const query = context.catalog.get('queries', id);
      if (query === undefined) throw queryNotFound();
      const { authorizer } = request;
      vetQueryRead(authorizer, query);
      return [preparedQueryWire(withoutToken(authorizer, query))];
    };
    // Nobody waits for a query that is not there.
    read();
    return blockingRead(context, request, { topics: [topic.queries], options, read });
  },
});
