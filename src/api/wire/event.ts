import type { UserEvent } from '../../cluster/event-log.ts';

/** Consul's JSON of an event. It is answered with the time 0 to the one who fires it. */
export function eventWire(event: UserEvent, time = event.time) {
  return {
    ID: event.id,
    Name: event.name,
    Payload: event.payload.length === 0 ? null : Buffer.from(event.payload).toString('base64'),
    NodeFilter: event.nodeFilter,
    ServiceFilter: event.serviceFilter,
    TagFilter: event.tagFilter,
    Version: 1,
    LTime: time,
  };
}
