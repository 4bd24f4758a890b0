import { endpoint } from '../endpoint.ts';
import { json } from '../reply.ts';
import type { EventView } from './wire-answers.ts';

export const events = endpoint({
  method: 'GET',
  path: '/v1/muster/events',
  needs: 'filtered',
  summary: 'The custom events that reached this agent, newest first, and when: the last 256 since it started',
  query: { name: 'only events with this name' },
  handler(context, { query, authorizer }) {
    const seen = context.events
      .list(query.get('name'))
      .filter(({ name }) => authorizer.allows('event', 'read', name));
    return json(
      seen.toReversed().map(
        (event): EventView => ({
          id: event.id,
          name: event.name,
          receivedAt: event.receivedAt,
          order: event.time,
          payload: Buffer.from(event.payload).toString('base64'),
          size: event.payload.length,
          node: event.nodeFilter,
          service: event.serviceFilter,
          tag: event.tagFilter,
        }),
      ),
    );
  },
});
