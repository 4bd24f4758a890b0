import { visibleSessions } from '../../acl/visible.ts';
import { fold } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { sessionWire } from '../wire/session.ts';

export const sessionNode = endpoint({
  method: 'GET',
  path: '/v1/session/node/:node',
  needs: 'filtered',
  summary: 'The sessions of a node',
  query: READ_QUERY,
  handler(context, request) {
    const options = readOptions(context, request);
    const { node } = request.params;
    if (node === '') throw badRequest('Missing node name');
    return blockingRead(context, request, {
      topics: [topic.sessionsOf(node)],
      options,
      kind: 'plain',
      read: () =>
        visibleSessions(request.authorizer, context.catalog.list('sessions', 'node', fold(node))).map(
          sessionWire,
        ),
    });
  },
});
