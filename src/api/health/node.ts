import { fold } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { checkList } from './check-list.ts';

export const healthNode = endpoint({
  method: 'GET',
  path: '/v1/health/node/:node',
  needs: 'filtered',
  summary: 'All checks on a node',
  query: { filter: 'only checks for which this expression holds', ...READ_QUERY },
  handler(context, request) {
    const options = readOptions(context, request);
    const { node } = request.params;
    if (node === '') throw badRequest('Missing node name');
    const answer = checkList(context, request, { byNodeMeta: false });
    return blockingRead(context, request, {
      topics: [topic.checksOf(node)],
      options,
      read: () => answer(context.catalog.list('checks', 'node', fold(node))),
    });
  },
});
