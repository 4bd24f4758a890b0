import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { HistoryPoint } from '../../../src/api/muster/wire.ts';
import { formatRate, formatTime } from '../format.ts';
import { onTheme } from '../theme.ts';

/** Seconds that the line reaches back: all that is kept. */
const REACH = 300;

/** Requests and errors per second over the last five minutes, with the figures under the pointer or else the last. */
export function TrafficChart({ title, history }: { title: string; history: readonly HistoryPoint[] }) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const points = useRef(history);
  const [pointed, setPointed] = useState<number | null>(null);
  points.current = history;

  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, setPointed), columns(points.current), element);
    };
    draw();
    const observer = new ResizeObserver(() => plot.current?.setSize(sizeOf(element)));
    observer.observe(element);
    const end = onTheme(draw);
    return () => {
      end();
      observer.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);

  const last = history[history.length - 1]?.at;
  // The list is the same one for the whole connection: its last point tells that it grew.
  useEffect(() => {
    plot.current?.setData(columns(points.current));
  }, [last]);

  return (
    <>
      <div class="head">
        <h2 id="chart-title">{title}</h2>
        <Readout point={(pointed === null ? undefined : history[pointed]) ?? history[history.length - 1]} />
      </div>
      <div
        class="chart"
        ref={frame}
        role="img"
        aria-label="Requests and errors per second, last five minutes"
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

function columns(history: readonly HistoryPoint[]): uPlot.AlignedData {
  return [
    history.map(({ at }) => at / 1000),
    history.map(({ requests }) => requests),
    history.map(({ errors }) => errors),
  ];
}

/** The drawing must not hold its frame open: then it could grow and never shrink. */
function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: element.clientWidth, height: Math.max(200, element.clientHeight - 1) };
}

function options(element: HTMLElement, point: (index: number | null) => void): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis = {
    stroke: token('--muted'),
    font,
    ticks: { show: false },
    grid: { stroke: token('--line'), width: 1 },
  };
  return {
    ...sizeOf(element),
    padding: [8, 8, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { setScale: false, x: false, y: false } },
    legend: { show: false },
    hooks: { setCursor: [(self) => point(self.cursor.idx ?? null)] },
    scales: {
      // Always five minutes, so that the line moves and does not stretch.
      x: { range: (_plot, _low, high) => [high - REACH, high] },
      y: { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.15)] },
    },
    axes: [
      { ...axis, size: 28, grid: { show: false }, space: 72, values: (_plot, ticks) => ticks.map(minute) },
      { ...axis, size: 48, values: (_plot, ticks) => ticks.map(formatRate) },
    ],
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

function minute(seconds: number): string {
  return formatTime(seconds * 1000).slice(0, 5);
}
