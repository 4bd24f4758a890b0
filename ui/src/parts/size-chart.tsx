import type { GroupView } from '../../../src/api/muster/wire.ts';
import { formatRate, formatSpan, formatTime } from '../format.ts';

const WIDTH = 600;
const HEIGHT = 120;
/** The line of time: an hour at most, five minutes at least, so that a young group has a picture too. */
const LONGEST = 3_600_000;
const SHORTEST = 300_000;

/**
 * Size against load over the last hour: instances as a staircase in the band that the autoscaler may use, requests per
 * second as a line, its decisions as marks that say why.
 */
export function SizeChart({ group: { history, autoscale, decisions, size, name } }: { group: GroupView }) {
  const last = history.at(-1);
  if (last === undefined) return null;
  const span = Math.min(LONGEST, Math.max(SHORTEST, last.at - history[0]!.at));
  const from = last.at - span;
  const top = Math.max(1, size, autoscale?.max ?? 0, ...history.map((point) => point.size)) * 1.1;
  const busiest = Math.max(1, ...history.map(({ requests }) => requests)) * 1.1;
  const x = (at: number) => Math.max(0, ((at - from) / span) * WIDTH);
  const y = (instances: number) => HEIGHT * (1 - instances / top);
  const stairs = history
    .map(
      (point, at) =>
        `${at === 0 ? `M${x(point.at).toFixed(1)},` : `H${x(point.at).toFixed(1)}V`}${y(point.size).toFixed(1)}`,
    )
    .join('');
  const load = history
    .map((point) => `${x(point.at).toFixed(1)},${(HEIGHT * (1 - point.requests / busiest)).toFixed(1)}`)
    .join(' ');
  const marks = decisions.filter(({ at }) => at > from);
  return (
    <figure class="size-chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Instances of ${name} and requests per second`}
      >
        {autoscale !== null && (
          <rect
            class="band"
            x="0"
            width={WIDTH}
            y={y(autoscale.max)}
            height={Math.max(1, y(autoscale.min) - y(autoscale.max))}
          />
        )}
        <polyline class="load" points={load} />
        <path class="size" d={stairs} />
        {marks.map((decision) => (
          <path key={decision.at} class="mark" d={`M${x(decision.at).toFixed(1)},0V${HEIGHT}`}>
            <title>
              {formatTime(decision.at)}: {decision.size}, {decision.reason}
            </title>
          </path>
        ))}
      </svg>
      <figcaption>
        <span class="legend size">{last.size} instances</span>
        <span class="legend load">{formatRate(last.requests)} requests/s</span>
        <span class="faint">
          the last {formatSpan(span)}
          {autoscale === null ? '' : '; the band is what the autoscaler may choose'}
        </span>
      </figcaption>
    </figure>
  );
}
