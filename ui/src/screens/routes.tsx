import { useMemo, useRef } from 'preact/hooks';
import type { Picture } from '../../../src/api/muster/picture.ts';
import { type RouteView, trafficKey } from '../../../src/api/muster/wire.ts';
import { registerExample } from '../examples.ts';
import { formatDuration, formatMany, formatRate, formatShare, shortened } from '../format.ts';
import type { PictureScreen } from '../live.ts';
import { addressOf, withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Chunks } from '../parts/chunks.tsx';
import { Copyable } from '../parts/copy.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Source } from '../parts/source.tsx';
import { Explain } from './explain.tsx';

/** Where does this request go? */
export function Routes({ view, picture, query }: PictureScreen) {
  const { about } = picture;
  const text = (query.get('q') ?? '').toLowerCase();
  const all = useMemo(() => [...picture.routes.values()].sort(byPlace), [picture, view.versions.routes]);
  const version = useSettled(view.versions.routes + view.versions.instances, view.now);
  const shown = all.filter(({ host, path, service }) =>
    `${host}${path} ${service}`.toLowerCase().includes(text),
  );
  return (
    <>
      <h1>Routes</h1>
      <Explain about={about} query={query} version={version} />
      {all.length === 0 ? (
        <section class="panel empty">
          <p>
            No routes yet. A service asks for one with a tag <code>urlprefix-HOST/PATH</code>; the host may be
            left out:
          </p>
          <Copyable text={registerExample(about)} label="the commands" />
        </section>
      ) : (
        <>
          <div class="filter">
            <SearchField
              label="Find by host, path or service"
              value={query.get('q') ?? ''}
              choose={(q) => go(`/ui/routes${withQuery(query, { q })}`, { replace: true })}
            />
            <p class="faint">{formatMany(all.length, 'route')}, in the order in which they are tried</p>
          </div>
          <section class="panel flush" aria-label="Routes">
            <table class="cards">
              <thead>
                <tr>
                  <th scope="col">Host and path</th>
                  <th scope="col">Service</th>
                  <th scope="col">Targets</th>
                  <th scope="col" class="number">
                    Requests
                  </th>
                  <th scope="col" class="number">
                    Errors
                  </th>
                  <th scope="col" class="number">
                    p99
                  </th>
                </tr>
              </thead>
              <Chunks
                items={shown}
                height={64}
                columns={6}
                row={(route) => <Row key={route.key} route={route} picture={picture} />}
              />
            </table>
            {shown.length === 0 && <p class="none">No route fits.</p>}
          </section>
        </>
      )}
      <Source path="/v1/muster/routes" api={about.api} isLive />
    </>
  );
}

/** Time between two questions about the same URL, ms: deltas come ten times a second. */
const SETTLE = 1000;

/** A version that moves at most once in `SETTLE`. */
function useSettled(version: number, now: number): number {
  const settled = useRef({ version, at: now });
  if (settled.current.version !== version && now - settled.current.at >= SETTLE)
    settled.current = { version, at: now };
  return settled.current.version;
}

const MOST_TARGETS = 50;

function Row({ route, picture }: { route: RouteView; picture: Picture }) {
  const { host, path, service, strategy, options, targets } = route;
  const traffic = picture.traffic.get(trafficKey.route(route.key));
  const errors = traffic?.errors ?? 0;
  return (
    <tr>
      <th scope="row">
        <code class="place">
          {host !== '' && <span class="host">{host}</span>}
          {path}
        </code>
        {host === '' && <span class="tag">any host</span>}
        {Object.entries(options).map(([name, value]) => (
          <span key={name} class="tag">
            {name}={value}
          </span>
        ))}
      </th>
      <td data-label="Service">
        <a href={addressOf({ name: 'service', service })}>{service}</a>
      </td>
      <td data-label="Targets">
        {targets.length === 0 ? (
          <span class="critical">none: answers 503</span>
        ) : (
          <details class="targets">
            <summary>
              {formatMany(targets.length, 'target')} <span class="tag">{strategy}</span>
            </summary>
            <ul>
              {targets.slice(0, MOST_TARGETS).map(({ address, instance, weight, share }) => (
                <li key={address}>
                  <span title={instance}>{shortened(instance || address)}</span>{' '}
                  <code>{instance && address}</code>
                  <span class="faint">
                    weight {weight}, {formatShare(share)}
                  </span>
                </li>
              ))}
              {targets.length > MOST_TARGETS && (
                <li class="faint">and {targets.length - MOST_TARGETS} more</li>
              )}
            </ul>
          </details>
        )}
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
    </tr>
  );
}

/** With a host before without one, longer paths before shorter ones: the order in which a request meets them. */
function byPlace(a: RouteView, b: RouteView): number {
  return (
    Number(b.host !== '') - Number(a.host !== '') ||
    a.host.localeCompare(b.host) ||
    b.path.length - a.path.length ||
    a.path.localeCompare(b.path)
  );
}
