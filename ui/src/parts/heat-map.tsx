import type { HeatMap } from '../../../src/api/muster/wire-answers.ts';
import { formatCount, formatDuration, formatTime } from '../format.ts';

const COLUMN = 10;
const ROW = 10;
/** Steps of the colour; the logarithm of a count chooses one, so that a slow few are seen beside a fast many. */
const LEVELS = 6;
/** Columns of five minutes: the newest stand on the right from the start. */
const COLUMNS = 60;

/** How long answers took, over five minutes: time from left to right, duration upwards, colour for how many. */
export function HeatMapChart({ map }: { map: HeatMap }) {
  const { columns, bounds, step } = map;
  const counted = columns.flatMap(({ counts }) => counts.flatMap((count, row) => (count > 0 ? [row] : [])));
  if (counted.length === 0) return <p class="none">No answer in the last five minutes.</p>;
  const low = Math.max(0, Math.min(...counted) - 1);
  const high = Math.min(bounds.length - 1, Math.max(...counted) + 1);
  const rows = high - low + 1;
  const most = Math.max(...columns.flatMap(({ counts }) => counts));
  const paths = Array.from({ length: LEVELS }, () => '');
  columns.forEach(({ counts }, index) => {
    const x = (COLUMNS - columns.length + index) * COLUMN;
    counts.forEach((count, row) => {
      if (count === 0) return;
      const level = Math.min(LEVELS - 1, Math.floor((Math.log1p(count) / Math.log1p(most)) * LEVELS));
      paths[level] += `M${x} ${(high - row) * ROW}h${COLUMN - 1}v${ROW - 1}h${1 - COLUMN}z`;
    });
  });
  return (
    <figure class="heat-map">
      <div class="plot">
        <ol class="scale" aria-hidden="true">
          {Array.from({ length: rows }, (_, index) => high - index).map((row) => (
            <li key={row}>{(high - row) % 2 === 0 && formatDuration(bounds[row] ?? null)}</li>
          ))}
        </ol>
        <svg
          viewBox={`0 0 ${COLUMNS * COLUMN} ${rows * ROW}`}
          preserveAspectRatio="none"
          style={`height:${rows * 14}px`}
          role="img"
          aria-label={summary(map)}
        >
          {paths.map((path, level) => (
            <path key={String(level)} class={`level-${level + 1}`} d={path} />
          ))}
        </svg>
      </div>
      <figcaption>
        <span>{formatTime((columns.at(-1)?.at ?? 0) - COLUMNS * step)}</span>
        <span class="legend">
          few
          {paths.map((_, level) => (
            <span key={String(level)} class={`cell level-${level + 1}`} aria-hidden="true" />
          ))}
          many: up to {formatCount(most)} in {step / 1000} s
        </span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

/** For those who do not see it: where most of the answers lie, and the slowest. */
function summary({ columns, bounds }: HeatMap): string {
  const sums = bounds.map((_, row) => columns.reduce((sum, { counts }) => sum + (counts[row] ?? 0), 0));
  const all = sums.reduce((sum, count) => sum + count, 0);
  const fullest = sums.indexOf(Math.max(...sums));
  const slowest = sums.findLastIndex((count) => count > 0);
  return `Answer times over five minutes: ${formatCount(all)} answers, most of them up to ${formatDuration(
    bounds[fullest] ?? null,
  )}, the slowest up to ${formatDuration(bounds[slowest] ?? null)}`;
}
