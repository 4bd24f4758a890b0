/** How the groups followed the load while it was made hard for them, as an SVG file: one plot below the other. */
import { count } from '../load/text.ts';
import {
  BLUE,
  BROWN,
  figuresOnTheRight,
  grid,
  legend,
  type Mark,
  type Plot,
  picture,
  RED,
  staircase,
  strokes,
  text,
} from '../svg.ts';
import type { Report, Slice } from './report.ts';

const WIDTH = 960;
const PLOT_HEIGHT = 180;
/** From one plot to the next, with its heading and its times. */
const EACH = PLOT_HEIGHT + 76;
const FIRST = 28;

export function chaosChart({ length, requests, failed, timeline, sizes, events }: Report): string {
  const title = `${count(requests)} requests, ${count(failed)} failed`;
  const rates = ratesOf(timeline, length);
  const most = Math.max(1, ...rates.map(({ value }) => value));
  const broken = timeline.filter((slice) => slice.failed > 0).map(({ from }) => from);
  const plots = sizes.flatMap(({ group, points }, index) => {
    const upper = FIRST + index * EACH + 36;
    const top = Math.max(4, ...points.map(({ size, ready }) => Math.max(size, ready)));
    const plot: Plot = { left: 56, upper, width: WIDTH - 112, height: PLOT_HEIGHT, end: length, top };
    const scaled = rates.map(({ at, value }) => ({ at, value: (value / most) * top }));
    const hits = events.filter((event) => event.group === group && event.at < length);
    return [
      text(plot.left, upper - 14, group, 'start', true),
      grid(plot),
      figuresOnTheRight(plot, most),
      staircase(plot, 'load', scaled),
      staircase(plot, 'ready', held(points, length, 'ready')),
      staircase(plot, 'size', held(points, length, 'size')),
      strokes(
        plot,
        'hit',
        hits.map(({ at }) => at),
      ),
      strokes({ ...plot, height: plot.height - 6 }, 'refused', broken),
    ];
  });
  return picture(WIDTH, FIRST + Math.max(1, sizes.length) * EACH, title, [
    text(56, 20, title, 'start', true),
    legend(WIDTH - 56, 20, [
      [BLUE, '━ instances there are to be'],
      [BLUE, '┄ ready'],
      [BROWN, '━ requests a second (right)'],
      ['#888', '┃ killed or rolled'],
      [RED, '┃ failed requests'],
    ]),
    ...plots,
  ]);
}

/** Requests a second, and the last of them until the end. */
function ratesOf(timeline: readonly Slice[], length: number): Mark[] {
  const marks = timeline.map(({ from, requests }, index) => {
    const to = timeline[index + 1]?.from ?? length;
    return { at: from, value: (requests * 1_000) / Math.max(1, to - from) };
  });
  return [...marks, { at: length, value: marks.at(-1)?.value ?? 0 }];
}

function held(points: Report['sizes'][number]['points'], length: number, what: 'size' | 'ready'): Mark[] {
  const marks = points.map((point) => ({ at: point.at, value: point[what] }));
  return [...marks, { at: length, value: marks.at(-1)?.value ?? 0 }];
}
