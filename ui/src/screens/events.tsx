import type { About } from '../../../src/api/muster/wire.ts';
import type { EventView } from '../../../src/api/muster/wire-answers.ts';
import { useAnswer } from '../api.ts';
import { eventExample, watchExample } from '../examples.ts';
import { formatMany, formatSpan, formatTime, shortened } from '../format.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Chunks } from '../parts/chunks.tsx';
import { Copyable } from '../parts/copy.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Source } from '../parts/source.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { readableTextOf } from '../text-of.ts';
import { FireEvent } from './fire-event.tsx';

const PATH = '/v1/muster/events';
/** What came less than this ago stands out, ms. */
const FRESH = 60_000;

/** What were the agents told, and when? */
export function Events({ about, query, now }: { about: About; query: URLSearchParams; now: number }) {
  const { value: events, trouble, again } = useAnswer<EventView[]>(PATH, 'events');
  const wanted = query.get('q') ?? '';
  const shown = (events ?? []).filter((event) => fits(event, wanted.toLowerCase()));
  return (
    <>
      <h1>Events</h1>
      <Trouble text={trouble} />
      <FireEvent about={about} fired={again} />
      {events?.length === 0 && (
        <section class="panel empty">
          <p>
            None has come since this agent started. An event tells every agent something at once: a name, and
            up to 9 kB to go with it. Nothing is kept of it but the last 256, in memory.
          </p>
          <Copyable text={eventExample(about)} label="the command" />
          <p>An agent can run a command at each:</p>
          <Copyable text={watchExample()} label="the configuration" />
        </section>
      )}
      {events !== undefined && events.length > 0 && (
        <>
          <div class="filter">
            <SearchField
              label="Find by name or payload"
              value={wanted}
              choose={(q) => go(`/ui/events${withQuery(query, { q })}`, { replace: true })}
            />
            <span class="faint">{formatMany(shown.length, 'event')}, newest first</span>
          </div>
          <section class="panel flush" aria-label="Events">
            <table class="cards">
              <thead>
                <tr>
                  <th scope="col">Event</th>
                  <th scope="col">Payload</th>
                  <th scope="col">Meant for</th>
                  <th scope="col" class="number">
                    Came
                  </th>
                </tr>
              </thead>
              <Chunks
                items={shown}
                height={64}
                columns={4}
                row={(event) => <Row key={event.id} event={event} now={now} />}
              />
            </table>
            {shown.length === 0 && (
              <p class="none">No event fits. {formatMany(events.length, 'is', 'are')} there in all.</p>
            )}
          </section>
        </>
      )}
      <Source path={PATH} api={about.api} />
    </>
  );
}

function fits({ name, payload }: EventView, text: string): boolean {
  return text === '' || `${name}\n${readableTextOf(payload) ?? payload}`.toLowerCase().includes(text);
}

function Row({ event, now }: { event: EventView; now: number }) {
  const { id, name, order, receivedAt } = event;
  return (
    <tr>
      <th scope="row">
        <span class="strong">{name}</span>
        {now - receivedAt < FRESH && <span class="tag">new</span>}
        <span class="at" title={id}>
          <code>{shortened(id)}</code> · order {order}
        </span>
      </th>
      <td class="payload">
        <Payload event={event} />
      </td>
      <td data-label="Meant for">{audience(event)}</td>
      <td class="number" data-label="Came">
        <span>
          {formatSpan(now - receivedAt)} ago <span class="at">{formatTime(receivedAt)}</span>
        </span>
      </td>
    </tr>
  );
}

function Payload({ event: { payload, size } }: { event: EventView }) {
  if (size === 0) return <span class="faint">nothing</span>;
  const text = readableTextOf(payload);
  return (
    <>
      <pre>{text ?? payload}</pre>
      <span class="at">
        {formatMany(size, 'byte')}
        {text === undefined && ', no text: base64'}
      </span>
    </>
  );
}

function audience({ node, service, tag }: EventView) {
  const parts = [
    ...(node === '' ? [] : [['nodes', node] as const]),
    ...(service === '' ? [] : [['services', service] as const]),
    ...(tag === '' ? [] : [['tags', tag] as const]),
  ];
  if (parts.length === 0) return 'all nodes';
  return (
    <span>
      {parts.map(([what, pattern], index) => (
        <span key={what}>
          {index > 0 && ', '}
          {what} <code>{pattern}</code>
        </span>
      ))}
    </span>
  );
}
