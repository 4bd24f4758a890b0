import { visibleSessions } from '../../acl/visible.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { sessionWire } from '../wire/session.ts';
import { sessionId } from './id.ts';

export const sessionInfo = endpoint({
  method: 'GET',
  path: '/v1/session/info/:session',
  needs: 'filtered',
  summary: 'A session, as a list of one or none',
  query: READ_QUERY,
  handler(context, request) {
    const options = readOptions(context, request);
    const id = sessionId(request.params.session);
    const { catalog } = context;
    return blockingRead(context, request, {
      topics: [topic.session(id)],
      options,
      kind: 'plain',
      // Of a session that is there, its own index; of another, that of all sessions.
      index: () => catalog.get('sessions', id)?.modifyIndex ?? catalog.indexOf(topic.sessions),
      read: () => {
        const session = catalog.get('sessions', id);
        return session === undefined ? [] : visibleSessions(request.authorizer, [session]).map(sessionWire);
      },
    });
  },
});
