import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { sessionWire } from '../wire/session.ts';
import { sessionId } from './id.ts';

export const sessionRenew = endpoint({
  method: 'PUT',
  path: '/v1/session/renew/:session',
  needs: 'checked',
  summary: 'Starts the TTL of a session anew; answers the session',
  query: { dc: 'datacenter to ask' },
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const id = sessionId(request.params.session);
    const { catalog, store } = context;
    // Whoever takes it for ended gives up what it holds: that is not said of one that was just made elsewhere.
    if (catalog.get('sessions', id) === undefined) await store.remote?.refresh();
    const session = catalog.get('sessions', id);
    if (session === undefined) throw new HttpError(404, `Session id '${id}' not found`);
    request.authorize('session', 'write', session.node);
    await context.sessions.renew(id);
    return json([sessionWire(session)]);
  },
});
