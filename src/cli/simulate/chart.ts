/** A simulation as a drawing: for the terminal, and as SVG. */

import type { Simulation, SimulationStep } from '../../group/autoscale/simulate.ts';
import { formatDuration } from '../../lib/duration.ts';
import { count } from '../load/text.ts';

/** Steps that share one column of a drawing: what was highest in them is drawn. */
interface Column {
  readonly at: number;
  readonly load: number;
  readonly size: number;
  readonly ready: number;
  readonly refused: number;
}

function columnsOf(steps: readonly SimulationStep[], width: number): Column[] {
  const columns: Column[] = [];
  const wide = Math.min(width, steps.length);
  for (let column = 0; column < wide; column++) {
    const from = Math.floor((column * steps.length) / wide);
    const part = steps.slice(from, Math.max(from + 1, Math.floor(((column + 1) * steps.length) / wide)));
    columns.push({
      at: part[0]!.at,
      load: Math.max(...part.map(({ load }) => load)),
      size: Math.max(...part.map(({ size }) => size)),
      ready: Math.min(...part.map(({ ready }) => ready)),
      refused: part.reduce((sum, { refused }) => sum + refused, 0),
    });
  }
  return columns;
}

const HEIGHT = 12;
const AXIS = 8;

/**
 * Instances as columns, the load as a line over them (on a scale on which one instance at its target carries one row's
 * worth of instances), refusals below. `each` is the load that one instance is meant to carry.
 */
export function terminalChart({ steps }: Simulation, each: number, width = 72): string {
  const columns = columnsOf(steps, width);
  const top = Math.max(1, ...columns.map(({ size, load }) => Math.max(size, load / each)));
  const rowOf = (value: number) => Math.round((value / top) * HEIGHT);
  const lines: string[] = [];
  for (let row = HEIGHT; row >= 1; row--) {
    const label = row === HEIGHT || row === Math.round(HEIGHT / 2) ? figure((row / HEIGHT) * top) : '';
    const cells = columns.map(({ size, load }) => {
      if (rowOf(load / each) === row) return '*';
      return rowOf(size) >= row ? '█' : ' ';
    });
    lines.push(`${label.padStart(AXIS - 2)} │${cells.join('')}`);
  }
  lines.push(`${''.padStart(AXIS - 2)} └${'─'.repeat(columns.length)}`);
  if (columns.some(({ refused }) => refused > 0))
    lines.push(
      `${'refused'.padStart(AXIS - 1)} ${columns.map(({ refused }) => (refused > 0 ? '!' : ' ')).join('')}`,
    );
  const end = formatDuration(steps.at(-1)!.at);
  lines.push(`${''.padStart(AXIS)}0${end.padStart(Math.max(0, columns.length - 1))}`);
  lines.push(`${''.padStart(AXIS)}█ instances   * load, in instances at their target   ! refused`);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

const SVG = { width: 960, height: 360, left: 56, right: 16, top: 40, bottom: 40 };

/** The same as a file to look at or to show: no script, no fonts of its own, light and dark. */
export function svgChart({ steps, offered, refused, instanceHours }: Simulation, each: number): string {
  const inner = { width: SVG.width - SVG.left - SVG.right, height: SVG.height - SVG.top - SVG.bottom };
  const columns = columnsOf(steps, inner.width);
  const end = Math.max(1, steps.at(-1)!.at);
  const top = Math.max(1, ...columns.map(({ size, load }) => Math.max(size, load / each)));
  const x = (at: number) => (SVG.left + (at / end) * inner.width).toFixed(1);
  const y = (value: number) => (SVG.top + inner.height * (1 - value / top)).toFixed(1);
  const staircase = (value: (column: Column) => number): string =>
    columns
      .map(
        (column, at) =>
          `${at === 0 ? 'M' : 'H'}${at === 0 ? `${x(column.at)},${y(value(column))}` : `${x(column.at)}V${y(value(column))}`}`,
      )
      .join('');
  const load = columns.map((column) => `${x(column.at)},${y(column.load / each)}`).join(' ');
  const bars = columns
    .filter((column) => column.refused > 0)
    .map(({ at }) => `<path class="refused" d="M${x(at)},${SVG.height - SVG.bottom}v-6"/>`)
    .join('');
  const ticks = [0, 0.25, 0.5, 0.75, 1]
    .map((part) => {
      const height = y(top * part);
      const time = formatDuration(Math.round((end * part) / 1000) * 1000);
      return `<path class="grid" d="M${SVG.left},${height}H${SVG.width - SVG.right}"/><text x="${SVG.left - 8}" y="${Number(height) + 4}" text-anchor="end">${figure(top * part)}</text><text x="${x(end * part)}" y="${SVG.height - 16}" text-anchor="middle">${time}</text>`;
    })
    .join('\n');
  const title = `${figure(instanceHours)} instance hours, ${count(Math.round(refused))} of ${count(Math.round(offered))} requests refused`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SVG.width} ${SVG.height}" role="img" aria-label="${title}">
<style>
svg { background: #fff; font: 12px system-ui, sans-serif; fill: #444 }
.grid { stroke: #ddd } .size { stroke: #2563eb; stroke-width: 2; fill: none } .ready { stroke: #2563eb; stroke-dasharray: 2 3; fill: none }
.load { stroke: #b45309; fill: none } .refused { stroke: #dc2626; stroke-width: 2 }
@media (prefers-color-scheme: dark) { svg { background: #111; fill: #bbb } .grid { stroke: #333 } .size, .ready { stroke: #60a5fa } .load { stroke: #fbbf24 } }
</style>
<text x="${SVG.left}" y="20" font-weight="600">${title}</text>
<text x="${SVG.width - SVG.right}" y="20" text-anchor="end"><tspan fill="#2563eb">━ instances</tspan> <tspan fill="#2563eb">┄ ready</tspan> <tspan fill="#b45309">━ load, in instances at their target</tspan> <tspan fill="#dc2626">┃ refused</tspan></text>
${ticks}
<path class="ready" d="${staircase(({ ready }) => ready)}"/>
<path class="size" d="${staircase(({ size }) => size)}"/>
<polyline class="load" points="${load}"/>
${bars}
</svg>
`;
}
