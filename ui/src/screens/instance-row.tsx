import { memo } from 'preact/compat';
import type { HistoryPoint, InstanceView, TrafficView } from '../../../src/api/muster/wire.ts';
import { formatCount, formatDuration, formatRate, formatShare, formatSpan } from '../format.ts';
import { Action } from '../parts/action.tsx';
import { Spark } from '../parts/spark.tsx';
import { StateWord } from '../parts/state.tsx';
import { CheckHistory } from './check-history.tsx';
import { hostPort } from './flow-services.ts';

interface InstanceRowProps {
  /** Whether it is registered with the agent that serves this page, which can then take it out of traffic. */
  isOurs: boolean;
  instance: InstanceView;
  traffic: TrafficView | undefined;
  /** Requests per second of the whole service. */
  total: number;
  history: readonly HistoryPoint[] | undefined;
  /** Full seconds: rows are drawn again when it moves, not ten times a second. */
  now: number;
}

/** An instance with its figures; below it, when it gets no traffic, why. */
export const InstanceRow = memo(function InstanceRow({
  isOurs,
  instance,
  traffic,
  total,
  history,
  now,
}: InstanceRowProps) {
  const { state, since, id, node } = instance;
  const requests = traffic?.requests ?? 0;
  const share = total > 0 ? requests / total : 0;
  const failing = instance.checks.filter((check) => check.status !== 'passing' && check.output !== '');
  return (
    <tr class={state === 'passing' ? '' : 'out'}>
      <td class="standing">
        <StateWord state={state} />
        <span
          class="since"
          title={since === null ? 'since before this agent started' : new Date(since).toLocaleString()}
        >
          {since === null ? 'since the start' : `for ${formatSpan(now - since)}`}
        </span>
      </td>
      <th scope="row" class="who">
        <span class="strong">{id}</span>
        <span class="at">
          {node} · <code>{hostPort(instance)}</code>
        </span>
        {state !== 'passing' && (
          <div class="why">
            <p>{sentence(instance, now)}</p>
            {failing.map((check) => (
              <details key={check.id}>
                <summary>
                  Output of “{check.name || check.id}”{check.ofNode ? ' (a check of the node)' : ''}
                </summary>
                <pre>{check.output}</pre>
              </details>
            ))}
          </div>
        )}
        <CheckHistory instance={instance} now={now} />
        {isOurs && <Drain id={id} isDrained={state === 'maintenance'} />}
      </th>
      <td data-label="Share of traffic">
        <div class="share">
          <span class="bar" aria-hidden="true">
            <span style={`width:${(share * 100).toFixed(1)}%`} />
          </span>
          <span class="number">
            {formatShare(share)} <span class="faint">{formatRate(requests)} /s</span>
          </span>
        </div>
      </td>
      <td class="number" data-label="In flight">
        {formatCount(traffic?.inFlight ?? 0)}
      </td>
      <td data-label="p50 and p99">
        <div class="latency">
          <Spark
            lines={[
              { values: padded(history, 'p50'), tone: 'flow' },
              { values: padded(history, 'p99'), tone: 'muted' },
            ]}
            width={96}
            height={28}
            label="p50 and p99, last five minutes"
          />
          <span class="number">
            {formatDuration(traffic?.p50 ?? null)}
            <span class="faint">{formatDuration(traffic?.p99 ?? null)}</span>
          </span>
        </div>
      </td>
    </tr>
  );
});

/** No new requests, those in flight finish; and back. */
function Drain({ id, isDrained }: { id: string; isDrained: boolean }) {
  const path = `/v1/agent/service/maintenance/${encodeURIComponent(id)}`;
  if (isDrained) return <Action label="Back to work" path={`${path}?enable=false`} />;
  return (
    <Action
      label="Drain"
      question={`Sends ${id} no new requests; those in flight finish.`}
      path={`${path}?enable=true&reason=${encodeURIComponent('drained in the dashboard')}`}
    />
  );
}

/** "ejected by the balancer: 3 connects refused; probed again in 8 s" */
function sentence({ reason, probeAt }: InstanceView, now: number): string {
  const text = reason.charAt(0).toUpperCase() + reason.slice(1);
  if (probeAt === null) return text;
  return probeAt > now
    ? `${text}; probed again in ${formatSpan(probeAt - now)}`
    : `${text}; being probed now`;
}

const POINTS = 60;

/** As many values as five minutes have, so that all sparks have the same scale of time. */
function padded(history: readonly HistoryPoint[] = [], which: 'p50' | 'p99'): (number | null)[] {
  const values: (number | null)[] = history.map((point) => point[which]);
  return [...Array<null>(Math.max(0, POINTS - values.length)).fill(null), ...values];
}
