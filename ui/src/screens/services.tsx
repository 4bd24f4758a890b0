import type { Picture } from '../../../src/api/muster/picture.ts';
import { type ServiceView, STATES, trafficKey } from '../../../src/api/muster/wire.ts';
import { isBare, registerExample } from '../examples.ts';
import { byName, formatDuration, formatRate, formatSpan } from '../format.ts';
import type { LiveView, PictureScreen } from '../live.ts';
import { addressOf } from '../location.ts';
import { Chunks } from '../parts/chunks.tsx';
import { Copyable } from '../parts/copy.tsx';
import { Filter } from '../parts/filter.tsx';
import { Source } from '../parts/source.tsx';
import { StateBar } from '../parts/state-bar.tsx';

/** Which services are there, and is one of them in trouble? */
export function Services({ view, picture, query }: PictureScreen) {
  const { about } = picture;
  const all = [...picture.services.values()];
  const state = query.get('state') ?? '';
  const text = (query.get('q') ?? '').toLowerCase();
  const counts: Record<string, number> = { all: all.length };
  for (const one of STATES) counts[one] = all.filter(({ states }) => (states[one] ?? 0) > 0).length;
  const shown = all
    .filter((service) => hasState(service, state))
    .filter(({ name, tags }) => text === '' || `${name} ${tags.join(' ')}`.toLowerCase().includes(text))
    .sort((a, b) => byName(a.name, b.name));
  return (
    <>
      <h1>Services</h1>
      {all.length > 0 && (
        <>
          <Filter
            query={query}
            counts={counts}
            out={all.filter((service) => hasState(service, 'out')).length}
            label="Find by name or tag"
          />
          <section class="panel flush" aria-label="Services">
            <table class="cards">
              <thead>
                <tr>
                  <th scope="col">Service</th>
                  <th scope="col">Instances</th>
                  <th scope="col" class="number">
                    Requests
                  </th>
                  <th scope="col" class="number">
                    Errors
                  </th>
                  <th scope="col" class="number">
                    p99
                  </th>
                  <th scope="col" class="number">
                    Last change
                  </th>
                </tr>
              </thead>
              <Chunks
                items={shown}
                height={72}
                columns={6}
                row={(service) => <Row key={service.key} service={service} picture={picture} view={view} />}
              />
            </table>
            {shown.length === 0 && <p class="none">No service fits. {all.length} are there in all.</p>}
          </section>
        </>
      )}
      {isBare(picture) && (
        <section class="panel empty">
          <p>No services of yours yet. Start one and register it; it appears here at once:</p>
          <Copyable text={registerExample(about)} label="the commands" />
        </section>
      )}
      <Source path="/v1/muster/overview" api={about.api} isLive />
    </>
  );
}

function Row({ service, picture, view }: { service: ServiceView; picture: Picture; view: LiveView }) {
  const traffic = picture.traffic.get(trafficKey.service(service.name));
  const { name, tags, changedAt } = service;
  const errors = traffic?.errors ?? 0;
  return (
    <tr>
      <th scope="row">
        <a class="strong" href={addressOf({ name: 'service', service: name })}>
          {name}
        </a>
        <Tags tags={tags} />
      </th>
      <td class="wide">
        <StateBar service={service} />
      </td>
      <td class="number" data-label="Requests">
        {formatRate(traffic?.requests ?? 0)} <span class="unit">/s</span>
      </td>
      <td class={errors > 0 ? 'number critical' : 'number'} data-label="Errors">
        {formatRate(errors)} <span class="unit">/s</span>
      </td>
      <td class="number" data-label="p99">
        {formatDuration(traffic?.p99 ?? null)}
      </td>
      <td class="number faint" data-label="Last change">
        {changedAt === null ? '–' : `${formatSpan(view.now - changedAt)} ago`}
      </td>
    </tr>
  );
}

const MOST_TAGS = 4;

export function Tags({ tags }: { tags: readonly string[] }) {
  if (tags.length === 0) return null;
  return (
    <span class="tags">
      {tags.slice(0, MOST_TAGS).map((tag) => (
        <span key={tag} class="tag">
          {tag}
        </span>
      ))}
      {tags.length > MOST_TAGS && <span class="tag">+{tags.length - MOST_TAGS}</span>}
    </span>
  );
}

function hasState({ instances, states }: ServiceView, state: string): boolean {
  if (state === '') return true;
  if (state === 'out') return instances > (states.passing ?? 0);
  return (states[state as keyof ServiceView['states']] ?? 0) > 0;
}
