import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatTime } from '../format.ts';
import { onTheme } from '../theme.ts';

/** What differs from plot to plot; its size, and how its axes look, are those of the page. */
export type PlotOptions = Omit<uPlot.Options, 'width' | 'height'>;

/** The colour of that name at this moment: `--flow`, `--muted`, … */
export type Token = (name: string) => string;

/** A drawing over time. It is drawn anew with the theme, with the room it has, and when `shape` changes. */
export function Plot({
  label,
  data,
  options,
  version,
  shape = '',
  point,
}: {
  /** For those who do not see it. */
  label: string;
  data: uPlot.AlignedData;
  options: (token: Token, axis: uPlot.Axis) => PlotOptions;
  /** Changes with the data. */
  version: string | number | undefined;
  /** Changes with the options. */
  shape?: string;
  /** Told which point the pointer is at; null: at none. */
  point: (index: number | null) => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef({ data, options });
  latest.current = { data, options };
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const draw = () => {
      plot.current?.destroy();
      const own = latest.current.options(tokenOf, axisOf());
      plot.current = new uPlot(
        {
          ...own,
          ...sizeOf(element),
          cursor: { y: false, points: { size: 6 }, drag: { setScale: false, x: false, y: false } },
          legend: { show: false },
          hooks: { ...own.hooks, setCursor: [(self) => point(self.cursor.idx ?? null)] },
        },
        latest.current.data,
        element,
      );
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
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(latest.current.data);
  }, [version]);
  return <div class="chart" ref={frame} role="img" aria-label={label} />;
}

/** The drawing must not hold its frame open: then it could grow and never shrink. */
function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: element.clientWidth, height: Math.max(200, element.clientHeight - 1) };
}

function tokenOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function axisOf(): uPlot.Axis {
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  return {
    stroke: tokenOf('--muted'),
    font,
    labelFont: font,
    ticks: { show: false },
    grid: { stroke: tokenOf('--line'), width: 1 },
  };
}

/** The axis of time, in hours and minutes of the day unless told otherwise. */
export function timeAxis(axis: uPlot.Axis, format: (seconds: number) => string = minute): uPlot.Axis {
  return {
    ...axis,
    size: 28,
    grid: { show: false },
    space: 72,
    values: (_plot, ticks) => ticks.map(format),
  };
}

function minute(seconds: number): string {
  return formatTime(seconds * 1000).slice(0, 5);
}
