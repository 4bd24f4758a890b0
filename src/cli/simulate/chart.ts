/** A simulation as a drawing: for the terminal, and as SVG. */

import { figure } from '../../group/autoscale/arithmetic.ts';
import { type Column, columnsOf, type Simulation } from '../../group/autoscale/simulate.ts';
import { formatDuration } from '../../lib/duration.ts';
import { count } from '../load/text.ts';
import {
  BLUE,
  BROWN,
  grid,
  legend,
  line,
  type Plot,
  picture,
  RED,
  staircase,
  strokes,
  text,
} from '../svg.ts';

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

const WIDTH = 960;
const HIGH = 360;

/** The same as a file to look at or to show. */
export function svgChart({ steps, offered, refused, instanceHours }: Simulation, each: number): string {
  const width = WIDTH - 72;
  const columns = columnsOf(steps, width);
  const plot: Plot = {
    left: 56,
    upper: 40,
    width,
    height: HIGH - 80,
    end: Math.max(1, steps.at(-1)!.at),
    top: Math.max(1, ...columns.map(({ size, load }) => Math.max(size, load / each))),
  };
  const marks = (value: (column: Column) => number) =>
    columns.map((column) => ({ at: column.at, value: value(column) }));
  const title = `${figure(instanceHours)} instance hours, ${count(Math.round(refused))} of ${count(Math.round(offered))} requests refused`;
  const times = columns.filter((column) => column.refused > 0).map(({ at }) => at);
  return picture(WIDTH, HIGH, title, [
    text(plot.left, 20, title, 'start', true),
    legend(plot.left + width, 20, [
      [BLUE, '━ instances'],
      [BLUE, '┄ ready'],
      [BROWN, '━ load, in instances at their target'],
      [RED, '┃ refused'],
    ]),
    grid(plot),
    staircase(
      plot,
      'ready',
      marks(({ ready }) => ready),
    ),
    staircase(
      plot,
      'size',
      marks(({ size }) => size),
    ),
    line(
      plot,
      'load',
      marks(({ load }) => load / each),
    ),
    strokes(plot, 'refused', times),
  ]);
}
