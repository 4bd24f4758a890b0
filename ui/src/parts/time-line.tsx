import type { ChangeLine, HistoryPoint } from '../../../src/api/muster/wire.ts';
import { formatMany, formatRate, formatTime } from '../format.ts';
import { pathOf } from './spark.tsx';

const WIDTH = 1000;
const HEIGHT = 72;
/** What is kept of the traffic, ms. */
const REACH = 300_000;

/** Errors per second over the last five minutes with a mark for each change: what came just before they rose? */
export function TimeLine({
  history,
  changes,
  now,
}: {
  history: readonly HistoryPoint[];
  changes: readonly ChangeLine[];
  now: number;
}) {
  const seconds = REACH / 1000;
  const values: (number | null)[] = Array<null>(seconds).fill(null);
  for (const { at, errors } of history) {
    const place = seconds - 1 - Math.round((now - at) / 1000);
    if (place >= 0 && place < seconds) values[place] = errors;
  }
  // A sample that came a little late is no gap.
  for (let place = 1; place < seconds - 1; place++)
    if (values[place] === null && values[place + 1] !== null) values[place] = values[place - 1] ?? null;
  const peak = Math.max(0, ...history.map(({ errors }) => errors));
  const recent = changes.filter(({ at }) => now - at < REACH);
  return (
    <section class="panel" aria-labelledby="time-line-title">
      <div class="head">
        <h2 id="time-line-title">Errors and changes, last five minutes</h2>
        <p class="faint">
          at most {formatRate(peak)} errors/s · {formatMany(recent.length, 'change')}
        </p>
      </div>
      <div class="time-line">
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label="Errors per second"
        >
          {recent.map(({ seq, at }) => {
            const x = (WIDTH * (1 - (now - at) / REACH)).toFixed(1);
            return <path key={seq} class="mark" d={`M${x} 0V${HEIGHT}`} />;
          })}
          <path class="errors" d={pathOf(values, Math.max(1, peak), WIDTH, HEIGHT)} />
        </svg>
      </div>
      <p class="faint ends">
        <span>{formatTime(now - REACH)}</span>
        <span>now</span>
      </p>
    </section>
  );
}
