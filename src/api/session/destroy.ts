import { destroySession } from '../../catalog/commands/session.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { sessionId } from './id.ts';

export const sessionDestroy = endpoint({
  method: 'PUT',
  path: '/v1/session/destroy/:session',
  needs: 'checked',
  summary: 'Ends a session; true also when there is none',
  query: { dc: 'datacenter to ask' },
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const id = sessionId(request.params.session, 'apply failed: ');
    await context.store.write((tx) => {
      const session = tx.get('sessions', id);
      if (session !== undefined) request.authorize('session', 'write', session.node);
      return destroySession(tx, id);
    });
    return json(true);
  },
});
