import { useState } from 'preact/hooks';
import type { HistoryPoint } from '../../../src/api/muster/wire.ts';
import { formatRate, formatTime } from '../format.ts';
import { Plot, type PlotOptions, type Token, timeAxis } from './plot.tsx';

/** Seconds that the line reaches back: all that is kept. */
const REACH = 300;

/** Requests and errors per second over the last five minutes, with the figures under the pointer or else the last. */
export function TrafficChart({ title, history }: { title: string; history: readonly HistoryPoint[] }) {
  const [pointed, setPointed] = useState<number | null>(null);
  return (
    <>
      <div class="head">
        <h2 id="chart-title">{title}</h2>
        <Readout point={(pointed === null ? undefined : history[pointed]) ?? history[history.length - 1]} />
      </div>
      <Plot
        label="Requests and errors per second, last five minutes"
        data={[
          history.map(({ at }) => at / 1000),
          history.map(({ requests }) => requests),
          history.map(({ errors }) => errors),
        ]}
        // The list is the same one for the whole connection: its last point tells that it grew.
        version={history[history.length - 1]?.at}
        options={options}
        point={setPointed}
      />
    </>
  );
}

function Readout({ point }: { point: HistoryPoint | undefined }) {
  return (
    <p class="readout">
      {point !== undefined && <span>{formatTime(point.at)}</span>}
      <span>
        <span class="line" aria-hidden="true" />
        <strong>{formatRate(point?.requests ?? 0)}</strong> requests/s
      </span>
      <span>
        <span class="line errors" aria-hidden="true" />
        <strong>{formatRate(point?.errors ?? 0)}</strong> errors/s
      </span>
    </p>
  );
}

function options(token: Token, axis: object): PlotOptions {
  return {
    padding: [8, 8, 0, 0],
    scales: {
      // Always five minutes, so that the line moves and does not stretch.
      x: { range: (_plot, _low, high) => [high - REACH, high] },
      y: { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.15)] },
    },
    axes: [timeAxis(axis), { ...axis, size: 48, values: (_plot, ticks) => ticks.map(formatRate) }],
    series: [
      {},
      {
        stroke: token('--flow'),
        width: 2,
        fill: `color-mix(in srgb, ${token('--flow')} 12%, transparent)`,
        points: { show: false },
      },
      { stroke: token('--critical'), width: 2, dash: [4, 3], points: { show: false } },
    ],
  };
}
