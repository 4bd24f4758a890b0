import { useMemo } from 'preact/hooks';
import type { Picture } from '../../../src/api/muster/picture.ts';
import { isOut, STATES, trafficKey } from '../../../src/api/muster/wire.ts';
import { isBare, registerExample, requestExample } from '../examples.ts';
import { durationOf, formatCount, formatDuration, formatMany, formatRate, formatShare } from '../format.ts';
import type { LiveView } from '../live.ts';
import { Changes } from '../parts/changes.tsx';
import { TrafficChart } from '../parts/chart.tsx';
import { Copyable } from '../parts/copy.tsx';
import { Figure } from '../parts/figure.tsx';
import { Flow } from '../parts/flow.tsx';
import { LatencyPanel } from '../parts/latency-panel.tsx';
import { Source } from '../parts/source.tsx';
import { Spark } from '../parts/spark.tsx';
import { flowServices } from './flow-services.ts';

const MOST_EVENTS = 10;
/** More services than this make a picture in which nothing is seen. */
const MOST_SERVICES = 8;

/** Is traffic all right? */
export function Overview({ view, picture }: { view: LiveView; picture: Picture }) {
  const { about, changes, history, services } = picture;
  const overall = picture.traffic.get(trafficKey.overall);
  const requests = overall?.requests ?? 0;
  const errors = overall?.errors ?? 0;
  const peak = Math.max(0, ...history.map((point) => point.requests));
  const flow = useMemo(
    () => flowServices(picture, view.now, MOST_SERVICES),
    // The picture is the same object for the whole connection: what is in it is told by the versions.
    [picture, view.versions.instances, view.versions.traffic, view.versions.routes],
  );
  const rest = services.size - flow.length;
  return (
    <>
      <h1 class="hidden">Overview</h1>
      <Figures picture={picture} />
      <section class="panel" aria-labelledby="flow-title">
        <div class="head">
          <h2 id="flow-title">Traffic now</h2>
          <p class="key">
            width: requests per second <span class="swatch" aria-hidden="true" /> colour: share of errors
          </p>
        </div>
        {isBare(picture) ? (
          <div class="empty">
            <p>No services yet. Start one and register it; it appears here at once, and so does its route:</p>
            <Copyable text={registerExample(about)} label="the commands" />
          </div>
        ) : (
          <Flow doors={about.balancer} requests={requests} errors={errors} peak={peak} services={flow} />
        )}
        {rest > 0 && (
          <p class="more">
            <a href="/ui/services">and {formatMany(rest, 'more service')}</a>
          </p>
        )}
        {!isBare(picture) && peak === 0 && picture.routes.size > 0 && <NoTraffic picture={picture} />}
      </section>
      <div class="columns">
        <section class="panel" aria-labelledby="chart-title">
          <TrafficChart title="Last five minutes" history={history} />
        </section>
        <section class="panel" aria-labelledby="changes-title">
          <div class="head">
            <h2 id="changes-title">What changed</h2>
          </div>
          {changes.length === 0 ? (
            <p class="none">Nothing since this agent started.</p>
          ) : (
            <Changes changes={changes.slice(-MOST_EVENTS).reverse()} now={view.now} />
          )}
        </section>
      </div>
      {peak > 0 && <LatencyPanel />}
      {picture.problems.size > 0 && <Problems picture={picture} />}
      <Source path="/v1/muster/overview" api={about.api} isLive />
    </>
  );
}

function Figures({ picture }: { picture: Picture }) {
  const { history } = picture;
  const overall = picture.traffic.get(trafficKey.overall);
  const requests = overall?.requests ?? 0;
  const errors = overall?.errors ?? 0;
  const p99 = durationOf(overall?.p99 ?? null);
  const states = new Map<string, number>();
  let all = 0;
  for (const service of picture.services.values()) {
    all += service.instances;
    for (const state of STATES) states.set(state, (states.get(state) ?? 0) + (service.states[state] ?? 0));
  }
  const bad = STATES.filter((state) => isOut(state) && (states.get(state) ?? 0) > 0);
  const out = bad.reduce((sum, state) => sum + (states.get(state) ?? 0), 0);
  const spark = (values: (number | null)[], tone: string, label: string) => (
    <Spark lines={[{ values, tone }]} width={112} height={28} label={label} />
  );
  return (
    <dl class="figures panel">
      <Figure
        label="Requests"
        value={formatRate(requests)}
        unit="/s"
        note={`${formatCount(overall?.inFlight ?? 0)} in flight`}
      >
        {spark(
          history.map((point) => point.requests),
          'flow',
          'Requests per second, last five minutes',
        )}
      </Figure>
      <Figure
        label="Errors"
        value={formatRate(errors)}
        unit="/s"
        tone={errors > 0 ? 'critical' : ''}
        note={requests > 0 ? `${formatShare(errors / requests)} of requests` : 'no requests'}
      >
        {spark(
          history.map((point) => point.errors),
          'critical',
          'Errors per second, last five minutes',
        )}
      </Figure>
      <Figure
        label="p99"
        value={p99.value}
        unit={p99.unit}
        note={`p50 ${formatDuration(overall?.p50 ?? null)}`}
      >
        {spark(
          history.map((point) => point.p99),
          'muted',
          '99th percentile, last five minutes',
        )}
      </Figure>
      <Figure
        label="Instances out"
        value={formatCount(out)}
        unit={`of ${formatCount(all)}`}
        tone={out > 0 ? 'critical' : ''}
        note={
          out > 0 ? (
            <a href="/ui/services?state=out">{inWords(bad, states)}</a>
          ) : all > 0 ? (
            'all take traffic'
          ) : (
            'none registered'
          )
        }
      />
    </dl>
  );
}

/** The two worst states by name: there is room for one line. */
function inWords(bad: readonly string[], states: ReadonlyMap<string, number>): string {
  const named = bad.slice(0, 2).map((state) => `${states.get(state)} ${state}`);
  const rest = bad.slice(2).reduce((sum, state) => sum + (states.get(state) ?? 0), 0);
  return rest > 0 ? `${named.join(', ')}, ${rest} more` : named.join(', ');
}

function NoTraffic({ picture }: { picture: Picture }) {
  const route = [...picture.routes.values()][0];
  if (route === undefined) return null;
  return (
    <div class="hint">
      <p>Nothing has come in yet. Send a first request through the balancer:</p>
      <Copyable text={requestExample(picture.about, route.path, route.host)} label="the command" />
    </div>
  );
}

function Problems({ picture }: { picture: Picture }) {
  return (
    <section class="panel" aria-labelledby="problems-title">
      <div class="head">
        <h2 id="problems-title">To be put right</h2>
      </div>
      <ul class="problems">
        {[...picture.problems.values()].slice(0, 50).map(({ key, place, message }) => (
          <li key={key}>
            <strong>{place}</strong> {message}
          </li>
        ))}
      </ul>
    </section>
  );
}
