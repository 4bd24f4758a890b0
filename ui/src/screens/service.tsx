import { useMemo } from 'preact/hooks';
import type { Picture } from '../../../src/api/muster/picture.ts';
import { isOut, trafficKey } from '../../../src/api/muster/wire.ts';
import { lookupExample, routeExample } from '../examples.ts';
import { formatDuration, formatMany, formatRate } from '../format.ts';
import type { PictureScreen } from '../live.ts';
import { Chunks } from '../parts/chunks.tsx';
import { Copyable } from '../parts/copy.tsx';
import { Filter } from '../parts/filter.tsx';
import { LatencyPanel } from '../parts/latency-panel.tsx';
import { Source } from '../parts/source.tsx';
import { StateBar } from '../parts/state-bar.tsx';
import { fits, hostPort, worstFirst } from './flow-services.ts';
import { useHistories } from './histories.ts';
import { InstanceRow } from './instance-row.tsx';
import { Tags } from './services.tsx';

interface ServiceProps extends PictureScreen {
  readonly name: string;
}

/** Why does this instance get (no) traffic? */
export function ServiceScreen({ view, picture, name, query }: ServiceProps) {
  const key = name.toLowerCase();
  const service = picture.services.get(key);
  const path = `/v1/muster/services/${encodeURIComponent(name)}`;
  const histories = useHistories(name, service === undefined ? undefined : path, picture, view.now);
  const instances = useMemo(
    () => [...picture.instances.values()].filter((one) => one.service.toLowerCase() === key).sort(worstFirst),
    [picture, key, view.versions.instances],
  );
  if (service === undefined) return <Unknown name={name} picture={picture} path={path} />;
  const { about } = picture;
  const routes = [...picture.routes.values()].filter((route) => route.service.toLowerCase() === key);
  const traffic = picture.traffic.get(trafficKey.service(name));
  const state = query.get('state') ?? '';
  const shown = instances.filter((one) => fits(one, state, query.get('q') ?? ''));
  const counts: Record<string, number> = { ...service.states, all: instances.length };
  const total = traffic?.requests ?? 0;
  return (
    <>
      <div class="title">
        <div>
          <p class="crumb">
            <a href="/ui/services">Services</a>
          </p>
          <h1>{service.name}</h1>
          <Tags tags={service.tags} />
        </div>
        <dl class="facts">
          <Fact label="Requests" value={`${formatRate(total)} /s`} />
          <Fact
            label="Errors"
            value={`${formatRate(traffic?.errors ?? 0)} /s`}
            isBad={(traffic?.errors ?? 0) > 0}
          />
          <Fact label="p50" value={formatDuration(traffic?.p50 ?? null)} />
          <Fact label="p99" value={formatDuration(traffic?.p99 ?? null)} />
        </dl>
      </div>
      <div class="panel overview">
        <StateBar service={service} />
        <p class="ways">
          {routes.length > 0 ? (
            <>
              Requests for{' '}
              {routes.slice(0, 6).map((route, index) => (
                <span key={route.key}>
                  {index > 0 && ', '}
                  <a href={`/ui/routes?q=${encodeURIComponent(route.host + route.path)}`}>
                    <code>{route.host + route.path}</code>
                  </a>
                </span>
              ))}{' '}
              {routes.length > 6 && `and ${routes.length - 6} more `}come here
              {routes[0] !== undefined && <span class="faint"> · strategy {routes[0].strategy}</span>}
            </>
          ) : (
            <>
              No route leads here: no instance has a tag <code>urlprefix-…</code>
            </>
          )}
        </p>
        {routes.length === 0 && (
          <Copyable text={routeExample(about, service.name)} label="an example with a route" />
        )}
        {about.dns !== '' && <Copyable text={lookupExample(about, service.name)} label="the DNS query" />}
      </div>
      <Filter
        query={query}
        counts={counts}
        out={instances.filter((one) => isOut(one.state)).length}
        label="Find by ID, node, address or tag"
      />
      <section class="panel flush" aria-label="Instances">
        <table class="cards instances">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Instance</th>
              <th scope="col">Share of traffic</th>
              <th scope="col" class="number">
                In flight
              </th>
              <th scope="col" class="number">
                p50 and p99, 5 min
              </th>
            </tr>
          </thead>
          <Chunks
            items={shown}
            height={64}
            columns={5}
            row={(instance) => {
              const key = trafficKey.target(instance.service, hostPort(instance));
              return (
                <InstanceRow
                  key={instance.key}
                  isOurs={instance.node === about.node}
                  instance={instance}
                  traffic={picture.traffic.get(key)}
                  total={total}
                  history={histories.get(key)}
                  now={Math.floor(view.now / 1000) * 1000}
                />
              );
            }}
          />
        </table>
        {shown.length === 0 && (
          <p class="none">No instance fits. {formatMany(instances.length, 'is', 'are')} there in all.</p>
        )}
      </section>
      {instances.some(({ node }) => node !== about.node) && (
        <p class="faint elsewhere">
          An instance is drained at the agent that it is registered with: here those of {about.node}, the
          others at theirs, or with <code>muster drain</code> there.
        </p>
      )}
      {traffic !== undefined && <LatencyPanel service={service.name} />}
      <Source path={path} api={about.api} isLive />
    </>
  );
}

function Fact({ label, value, isBad = false }: { label: string; value: string; isBad?: boolean }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd class={isBad ? 'critical' : ''}>{value}</dd>
    </div>
  );
}

function Unknown({ name, picture, path }: { name: string; picture: Picture; path: string }) {
  const { about } = picture;
  return (
    <>
      <p class="crumb">
        <a href="/ui/services">Services</a>
      </p>
      <h1>{name}</h1>
      <section class="panel empty">
        <p>
          No instance of <strong>{name}</strong> is registered. When one joins, it appears here at once:
        </p>
        <Copyable text={routeExample(about, name)} label="the command" />
      </section>
      <Source path={path} api={about.api} isLive />
    </>
  );
}
