import { visibleSessions } from '../../acl/visible.ts';
import { formatDuration, parseDuration } from '../../lib/duration.ts';
import { endpoint } from '../endpoint.ts';
import { json } from '../reply.ts';
import { MAX_SESSION_KEYS, type SessionView } from './wire-answers.ts';

export const sessions = endpoint({
  method: 'GET',
  path: '/v1/muster/sessions',
  needs: 'overview',
  summary: 'Sessions, with the keys that each holds',
  handler({ catalog }, { authorizer }) {
    const views = visibleSessions(authorizer, catalog.all('sessions')).map((session): SessionView => {
      const keys = catalog.list('kv', 'session', session.id);
      return {
        id: session.id,
        name: session.name,
        node: session.node,
        ttl: session.ttl === '' ? '' : formatDuration(parseDuration(session.ttl) ?? 0),
        behavior: session.behavior,
        lockDelay: session.lockDelay,
        checks: [...session.nodeChecks, ...session.serviceChecks.map(({ id }) => id)],
        keys: keys.slice(0, MAX_SESSION_KEYS).map(({ key }) => key),
        held: keys.length,
      };
    });
    return json(
      views.sort((a, b) => (a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1)),
    );
  },
});
