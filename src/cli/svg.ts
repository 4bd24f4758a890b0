/** Parts of charts as SVG files: no script, no fonts of their own, light and dark. */
import { figure } from '../group/autoscale/arithmetic.ts';
import { formatDuration } from '../lib/duration.ts';

/** Where a plot lies in its picture, and what it shows: time in ms to the right, from 0 to `end`; values upwards, from 0 to `top`. */
export interface Plot {
  readonly left: number;
  readonly upper: number;
  readonly width: number;
  readonly height: number;
  readonly end: number;
  readonly top: number;
}

export interface Mark {
  readonly at: number;
  readonly value: number;
}

const x = ({ left, width, end }: Plot, at: number): string => (left + (at / end) * width).toFixed(1);
const y = ({ upper, height, top }: Plot, value: number): string =>
  (upper + height * (1 - value / top)).toFixed(1);

/** A line that keeps each value until the next. */
export function staircase(plot: Plot, kind: string, marks: readonly Mark[]): string {
  const steps = marks.map(({ at, value }, index) =>
    index === 0 ? `M${x(plot, at)},${y(plot, value)}` : `H${x(plot, at)}V${y(plot, value)}`,
  );
  return `<path class="${kind}" d="${steps.join('')}"/>`;
}

export function line(plot: Plot, kind: string, marks: readonly Mark[]): string {
  return `<polyline class="${kind}" points="${marks.map(({ at, value }) => `${x(plot, at)},${y(plot, value)}`).join(' ')}"/>`;
}

/** Short strokes upwards from the lower edge. */
export function strokes(plot: Plot, kind: string, times: readonly number[]): string {
  return times
    .map((at) => `<path class="${kind}" d="M${x(plot, at)},${plot.upper + plot.height}v-6"/>`)
    .join('');
}

const QUARTERS = [0, 0.25, 0.5, 0.75, 1];

/** Lines with figures on the left, and times below. */
export function grid(plot: Plot): string {
  const { left, upper, width, height, end, top } = plot;
  return QUARTERS.map((part) => {
    const level = y(plot, top * part);
    const time = formatDuration(Math.round((end * part) / 1000) * 1000);
    return `<path class="grid" d="M${left},${level}H${left + width}"/>${text(left - 8, Number(level) + 4, figure(top * part), 'end')}${text(x(plot, end * part), upper + height + 24, time, 'middle')}`;
  }).join('\n');
}

/** Figures on the right, for what has a scale of its own up to `top`. */
export function figuresOnTheRight(plot: Plot, top: number): string {
  return QUARTERS.map((part) =>
    text(plot.left + plot.width + 8, Number(y(plot, plot.top * part)) + 4, figure(top * part), 'start'),
  ).join('');
}

export function text(
  left: number | string,
  upper: number,
  words: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  bold = false,
): string {
  return `<text x="${left}" y="${upper}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}${bold ? ' font-weight="600"' : ''}>${words}</text>`;
}

/** "━ instances ┄ ready", up to `right`. */
export function legend(
  right: number,
  upper: number,
  entries: readonly (readonly [string, string])[],
): string {
  const spans = entries.map(([colour, words]) => `<tspan fill="${colour}">${words}</tspan>`);
  return `<text x="${right}" y="${upper}" text-anchor="end">${spans.join(' ')}</text>`;
}

export const BLUE = '#2563eb';
export const BROWN = '#b45309';
export const RED = '#dc2626';

/** A whole file. Classes that plots use: `size`, `ready`, `load`, `refused`, `hit`, `grid`. */
export function picture(width: number, height: number, title: string, body: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<style>
svg { background: #fff; font: 12px system-ui, sans-serif; fill: #444 }
.grid { stroke: #ddd } .size { stroke: ${BLUE}; stroke-width: 2; fill: none } .ready { stroke: ${BLUE}; stroke-dasharray: 2 3; fill: none }
.load { stroke: ${BROWN}; fill: none } .refused { stroke: ${RED}; stroke-width: 2 } .hit { stroke: #444; stroke-width: 2 }
@media (prefers-color-scheme: dark) { svg { background: #111; fill: #bbb } .grid { stroke: #333 } .size, .ready { stroke: #60a5fa } .load { stroke: #fbbf24 } .hit { stroke: #bbb } }
</style>
${body.join('\n')}
</svg>
`;
}
