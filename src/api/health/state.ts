import { fold } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { LIST_QUERY, readOptions } from '../read-options.ts';
import { checkList } from './check-list.ts';

export const healthState = endpoint({
  method: 'GET',
  path: '/v1/health/state/:state',
  needs: 'filtered',
  summary: 'All checks in a state: passing, warning, critical or any',
  query: LIST_QUERY,
  handler(context, request) {
    const options = readOptions(context, request);
    const { state } = request.params;
    if (state === '') throw badRequest('Missing check state');
    const answer = checkList(context, request);
    const { catalog } = context;
    return blockingRead(context, request, {
      topics: request.query.has('node-meta') ? [topic.checks, topic.nodes] : [topic.checks],
      options,
      shared: !request.query.has('near'),
      read: () =>
        answer(state === 'any' ? catalog.all('checks') : catalog.list('checks', 'status', fold(state))),
    });
  },
});
