import { visibleSessions } from '../../acl/visible.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY } from '../read-options.ts';
import { sessionWire } from '../wire/session.ts';

export const sessionList = endpoint({
  method: 'GET',
  path: '/v1/session/list',
  needs: 'filtered',
  summary: 'All sessions',
  query: READ_QUERY,
  handler: (context, request) =>
    blockingRead(context, request, {
      topics: [topic.sessions],
      kind: 'plain',
      read: () => visibleSessions(request.authorizer, context.catalog.all('sessions')).map(sessionWire),
    }),
});
