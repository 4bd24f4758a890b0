import type { UserEvent } from '../../cluster/event-log.ts';
import { blockingTime } from '../blocking.ts';
import type { ApiContext } from '../context.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import { READ_QUERY, type ReadOptions, readOptions } from '../read-options.ts';
import { json } from '../reply.ts';
import { eventWire } from '../wire/event.ts';

export const eventList = endpoint({
  method: 'GET',
  path: '/v1/event/list',
  needs: 'filtered',
  summary: 'The custom events that reached this node, oldest first',
  query: { name: 'only events with this name', ...READ_QUERY },
  async handler(context, request) {
    const options = readOptions(context, request);
    const { events } = context;
    const name = request.query.get('name');
    // The index of this list is made from an ID and takes all of 64 bits.
    const after = BigInt(request.query.get('index') || 0);
    const visible = () => {
      const { authorizer } = request;
      return events.list(name).filter((event) => authorizer.allows('event', 'read', event.name));
    };
    if (after > 0n) await untilOther(context, request, options, () => indexOf(visible()) !== after);
    const list = visible();
    return json(
      list.map((event) => eventWire(event)),
      { headers: { 'X-Consul-Index': String(indexOf(list)) } },
    );
  },
});

/** Resolves once `isOther` holds after an event, the wait is over, or the client has gone. */
async function untilOther(
  { events, clock, random, settings }: ApiContext,
  { signal }: ApiRequest,
  { wait }: ReadOptions,
  isOther: () => boolean,
): Promise<void> {
  const end = new AbortController();
  const stop = () => end.abort();
  const cancel = clock.after(blockingTime(wait, random(), settings), stop);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  while (!isOther() && !end.signal.aborted) await events.next(end.signal);
  cancel();
  signal.removeEventListener('abort', stop);
}

/** Made from the ID of the last event, so that it differs after each: the two halves of the UUID, one over the other. */
function indexOf(list: readonly UserEvent[]): bigint {
  const last = list[list.length - 1];
  if (last === undefined) return 1n;
  const digits = last.id.replaceAll('-', '');
  return BigInt(`0x${digits.slice(0, 16)}`) ^ BigInt(`0x${digits.slice(16)}`);
}
