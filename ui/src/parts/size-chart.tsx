import { useState } from 'preact/hooks';
import uPlot from 'uplot';
import { formatElapsed, formatMany, formatRate, formatTime } from '../format.ts';
import { Plot, type PlotOptions, type Token, timeAxis } from './plot.tsx';

/** A group at a moment. Sizes count instances, load is requests per second. */
export interface SizePoint {
  /** Milliseconds since the epoch, or since the beginning where `isRelative`. */
  readonly at: number;
  readonly size: number;
  readonly load: number;
  /** A second size to be compared with; null: there is none. */
  readonly other: number | null;
  /** Of the load; drawn where something was. */
  readonly refused?: number;
}

interface SizeChartProps {
  label: string;
  points: readonly SizePoint[];
  /** What the two sizes are called: "ready", "as it was". */
  names: { readonly size: string; readonly other: string };
  /** What the autoscaler may choose from. */
  band: { readonly min: number; readonly max: number } | null;
  /** When the size changed, and why; in the order of time. */
  marks: readonly { readonly at: number; readonly size: number; readonly reason: string }[];
  isRelative?: boolean;
}

/** The line of time is five minutes at least, so that a young group has a picture too; seconds. */
const SHORTEST = 300;
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
/** Seconds between two times on the axis: whole minutes and hours. */
const TIMES = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 604_800];

/**
 * Size against load: instances as a staircase (left), requests per second as an area (right), the band that may be
 * chosen from, and a mark for each change. Under it the figures at the pointer, or the last, with the reason.
 */
export function SizeChart({ label, points, names, band, marks, isRelative = false }: SizeChartProps) {
  const [pointed, setPointed] = useState<number | null>(null);
  const point = (pointed === null ? undefined : points[pointed]) ?? points.at(-1);
  if (point === undefined) return null;
  const hasRefusals = points.some(({ refused = 0 }) => refused > 0);
  const time = (at: number) => (isRelative ? formatElapsed(at) : formatTime(at));
  const last = marks.findLast(({ at }) => at <= point.at);
  return (
    <figure class="size-chart">
      <Plot
        label={label}
        data={[
          points.map(({ at }) => at / 1000),
          points.map(({ load }) => load),
          points.map(({ refused = 0 }) => refused),
          points.map(({ other }) => other),
          points.map(({ size }) => size),
        ]}
        version={JSON.stringify(points)}
        shape={JSON.stringify([band, marks.length, marks.at(-1), isRelative, hasRefusals])}
        options={(token, axis) => options({ token, axis, band, marks, time, isRelative, hasRefusals })}
        point={setPointed}
      />
      <figcaption class="readout">
        <span>{time(point.at)}</span>
        <span>
          <span class="line" aria-hidden="true" />
          <strong>{point.size}</strong> {names.size}
        </span>
        {point.other !== null && (
          <span>
            <span class="line other" aria-hidden="true" />
            <strong>{point.other}</strong> {names.other}
          </span>
        )}
        <span>
          <span class="area" aria-hidden="true" />
          <strong>{formatRate(point.load)}</strong> requests/s
        </span>
        {hasRefusals && (
          <span>
            <span class="area refused" aria-hidden="true" />
            <strong>{formatRate(point.refused ?? 0)}</strong> refused/s
          </span>
        )}
        {band !== null && (
          <span>
            <span class="area band" aria-hidden="true" />
            {band.min} to {band.max} may be chosen
          </span>
        )}
        {marks.length > 0 && (
          <span>
            <span class="area mark" aria-hidden="true" />
            {formatMany(marks.length, 'change')}
          </span>
        )}
        {last !== undefined && (
          <span class="because">
            {time(last.at)}: {last.size}, {last.reason}
          </span>
        )}
      </figcaption>
    </figure>
  );
}

function options({
  token,
  axis,
  band,
  marks,
  time,
  isRelative,
  hasRefusals,
}: Pick<SizeChartProps, 'band' | 'marks'> & {
  token: Token;
  axis: uPlot.Axis;
  time: (at: number) => string;
  isRelative: boolean;
  hasRefusals: boolean;
}): PlotOptions {
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const soft = (name: string, percent: number) =>
    `color-mix(in srgb, ${token(name)} ${percent}%, transparent)`;
  return {
    padding: [12, 0, 0, 0],
    scales: {
      x: {
        time: false,
        range: (_plot, low, high) => [isRelative ? low : Math.min(low, high - SHORTEST), high],
      },
      y: { range: (_plot, _low, high) => [0, Math.max(1, high ?? 0, band?.max ?? 0) * 1.1] },
      load: { range: (_plot, _low, high) => [0, Math.max(1, high ?? 0) * 1.25] },
    },
    axes: [
      {
        ...timeAxis(axis, (seconds) => time(seconds * 1000).replace(/^(\d\d:\d\d):\d\d$/, '$1')),
        incrs: TIMES,
      },
      {
        ...axis,
        scale: 'y',
        label: 'instances',
        labelSize: 18,
        size: 30,
        space: 28,
        incrs: WHOLE,
      },
      {
        ...axis,
        scale: 'load',
        side: 1,
        label: 'requests/s',
        labelSize: 18,
        size: 44,
        space: 28,
        grid: { show: false },
        values: (_plot, ticks) => ticks.map(formatRate),
      },
    ],
    series: [
      {},
      {
        scale: 'load',
        stroke: token('--faint'),
        width: 1,
        fill: soft('--faint', 16),
        points: { show: false },
      },
      {
        show: hasRefusals,
        scale: 'load',
        stroke: token('--critical'),
        fill: soft('--critical', 40),
        points: { show: false },
      },
      {
        scale: 'y',
        stroke: token('--text'),
        width: 1.5,
        dash: [4, 3],
        points: { show: false },
        ...(stepped && { paths: stepped }),
      },
      {
        scale: 'y',
        stroke: token('--flow'),
        width: 2,
        points: { show: false },
        ...(stepped && { paths: stepped }),
      },
    ],
    hooks: {
      drawClear: [
        (plot) => {
          if (band === null) return;
          const { ctx, bbox } = plot;
          const upper = plot.valToPos(band.max, 'y', true);
          ctx.fillStyle = token('--accent-soft');
          ctx.fillRect(bbox.left, upper, bbox.width, plot.valToPos(band.min, 'y', true) - upper);
        },
      ],
      draw: [
        (plot) => {
          const { ctx, bbox } = plot;
          const unit = devicePixelRatio;
          ctx.fillStyle = token('--accent');
          for (const { at } of marks) {
            const x = plot.valToPos(at / 1000, 'x', true);
            if (x < bbox.left || x > bbox.left + bbox.width) continue;
            // A small wedge at the upper edge: it points down at where the line turns.
            ctx.beginPath();
            ctx.moveTo(x - 4 * unit, bbox.top - 8 * unit);
            ctx.lineTo(x + 4 * unit, bbox.top - 8 * unit);
            ctx.lineTo(x, bbox.top - unit);
            ctx.fill();
          }
        },
      ],
    },
  };
}
